rockspec_format = "3.0"
package = "mcast"
version = "scm-1"
source = { url = "git+https://github.com/mcast/mcast.git" }
description = {
  summary = "UDP multicast for Lua",
  detailed = [[
    Multicast sockets that are right by default: join, TTL, source filters, timed
    receive, IPv4 and IPv6, for those who prototype multicast protocols.]],
  homepage = "https://github.com/mcast/mcast",
  license = "MIT",
  labels = { "network", "multicast", "udp" },
}
supported_platforms = { "unix" }
dependencies = { "lua ~> 5.4" }
build = {
  type = "builtin",
  modules = {
    mcast = {
      "src/address.c",
      "src/error.c",
      "src/interface.c",
      "src/mcast.c",
      "src/membership.c",
      "src/message.c",
      "src/module.c",
      "src/option.c",
      "src/receive.c",
      "src/send.c",
      "src/socket.c",
      "src/timeout.c",
      "src/wait.c",
    },
    ["mcast.sim.core"] = {
      defines = { "MCAST_SIMULATED" },
      libraries = { "m" },
      sources = {
        "src/sim/core.c",
        "src/sim/fault.c",
        "src/sim/kernel.c",
        "src/sim/map.c",
        "src/sim/member.c",
        "src/sim/memory.c",
        "src/sim/module.c",
        "src/sim/network.c",
        "src/sim/node.c",
        "src/sim/order.c",
        "src/sim/queue.c",
        "src/sim/random.c",
        "src/sim/receive.c",
        "src/sim/route.c",
        "src/sim/trace.c",
        "src/address.c",
        "src/error.c",
        "src/interface.c",
        "src/membership.c",
        "src/message.c",
        "src/module.c",
        "src/option.c",
        "src/send.c",
        "src/socket.c",
        "src/timeout.c",
      },
    },
    ["mcast.pcapng"] = "lua/mcast/pcapng.lua",
    ["mcast.pcapng.reader"] = "lua/mcast/pcapng/reader.lua",
    ["mcast.sim"] = "lua/mcast/sim.lua",
    ["mcast.sim.capture"] = "lua/mcast/sim/capture.lua",
    ["mcast.sim.environment"] = "lua/mcast/sim/environment.lua",
    ["mcast.sim.fault"] = "lua/mcast/sim/fault.lua",
    ["mcast.sim.files"] = "lua/mcast/sim/files.lua",
    ["mcast.sim.frame"] = "lua/mcast/sim/frame.lua",
    ["mcast.sim.library"] = "lua/mcast/sim/library.lua",
    ["mcast.sim.node"] = "lua/mcast/sim/node.lua",
    ["mcast.sim.output"] = "lua/mcast/sim/output.lua",
    ["mcast.sim.progress"] = "lua/mcast/sim/progress.lua",
    ["mcast.sim.report"] = "lua/mcast/sim/report.lua",
    ["mcast.sim.stats"] = "lua/mcast/sim/stats.lua",
    ["mcast.sim.sweep"] = "lua/mcast/sim/sweep.lua",
    ["mcast.sim.topology"] = "lua/mcast/sim/topology.lua",
    ["mcast.sim.trace"] = "lua/mcast/sim/trace.lua",
  },
  copy_directories = { "examples", "types" },
}
test_dependencies = { "busted", "luasocket", "luv", "cqueues" }
test = { type = "command", command = "make test" }
