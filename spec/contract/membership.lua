local mcast <const>, helper <const> = ...

local E <const> = mcast.errno
local fails <const> = helper.fails

helper.each_family(function(family)
  local S <const> = family.sources

  local function open() return helper.open(family) end

  -- The numbers of the family's sources that a socket receives on a group.
  local function heard(sock, group)
    local port, names = sock:getsockname().port, {}
    for i, source in ipairs(S) do
      local sender <close> = assert(mcast.socket { interface = source })
      assert(sender:sendto(tostring(i), group, port))
    end
    for data, from in sock:datagrams(0) do
      assert.equal(S[tonumber(data)], from.host)
      names[#names + 1] = data
    end
    return table.concat(names, " ")
  end

  local function filter_of(sock)
    local list = sock:groups()
    assert.is_true(#list <= 1)
    if not list[1] then
      return nil
    end
    table.sort(list[1].sources)
    return list[1].mode .. " " .. table.concat(list[1].sources, " ")
  end

  it("returns the interface that the route to the group takes", function()
    assert.equal("lo", open():join(family.group))
  end)

  it("receives a joined group, and no other group", function()
    local receiver = open()
    assert.equal("", heard(receiver, family.group))
    assert(receiver:join(family.group))
    assert.equal("1 2 3", heard(receiver, family.group))
    assert.equal("", heard(receiver, family.other))
  end)

  it("lists a membership with group, interface, mode and sources", function()
    local receiver = open()
    assert(receiver:join(family.group))
    assert.same({ { group = family.group, interface = "lo", mode = "exclude", sources = {} } }, receiver:groups())
  end)

  it("receives nothing from a group that it left", function()
    local receiver = open()
    assert(receiver:join(family.group))
    assert.is_true(receiver:leave(family.group))
    assert.equal("", heard(receiver, family.group))
    assert.same({}, receiver:groups())
  end)

  it("accepts address objects as groups and sources", function()
    local sock = open()
    local group, source = assert(mcast.address(family.ssm, 9)), assert(mcast.address(S[1], 0))
    assert.equal("lo", sock:join(group, { source = source }))
    assert.equal("1", heard(sock, family.ssm))
    assert.is_true(sock:filter(group, "exclude", { source }))
    assert.is_true(sock:unblock(group, source))
    assert.is_true(sock:block(group, source))
    assert.equal("2 3", heard(sock, family.ssm))
    assert.is_true(sock:leave(group))
  end)

  it("receives only the sources that it joined", function()
    local sock = open()
    assert.equal("lo", sock:join(family.ssm, { source = S[2] }))
    assert.equal("2", heard(sock, family.ssm))
    assert.equal("include " .. S[2], filter_of(sock))
    assert.equal("lo", sock:join(family.ssm, { source = S[3], interface = "lo" }))
    assert.equal("2 3", heard(sock, family.ssm))
    assert.equal(("include %s %s"):format(S[2], S[3]), filter_of(sock))
    assert.is_true(sock:leave(family.ssm, { source = S[2] }))
    assert.equal("3", heard(sock, family.ssm))
    assert.is_true(sock:leave(family.ssm, { source = S[3] }))
    assert.equal("", heard(sock, family.ssm))
    assert.same({}, sock:groups())
  end)

  it("leaves all sources where a leave names none", function()
    local sock = open()
    assert(sock:join(family.ssm, { source = S[1] }))
    assert(sock:join(family.ssm, { source = S[2] }))
    assert.is_true(sock:leave(family.ssm))
    assert.same({}, sock:groups())
    assert.equal("", heard(sock, family.ssm))
    assert.equal("lo", sock:join(family.ssm))
  end)

  it("receives nothing from a blocked source", function()
    local sock = open()
    assert(sock:join(family.group))
    assert.is_true(sock:block(family.group, S[1]))
    assert.equal("2 3", heard(sock, family.group))
    assert.is_true(sock:block(family.group, S[3]))
    assert.equal("2", heard(sock, family.group))
    assert.equal(("exclude %s %s"):format(S[1], S[3]), filter_of(sock))
  end)

  it("receives a source again once it is unblocked", function()
    local sock = open()
    assert(sock:join(family.group))
    assert(sock:block(family.group, S[1]))
    assert(sock:block(family.group, S[3]))
    assert.is_true(sock:unblock(family.group, S[1]))
    assert.equal("1 2", heard(sock, family.group))
  end)

  it("joins by an include filter with sources", function()
    local sock = open()
    assert.is_true(sock:filter(family.group, "include", { S[1], S[3] }))
    assert.equal("1 3", heard(sock, family.group))
    assert.equal(("include %s %s"):format(S[1], S[3]), filter_of(sock))
  end)

  it("joins by an exclude filter", function()
    local sock = open()
    assert.is_true(sock:filter(family.group, "exclude", { S[2] }))
    assert.equal("1 3", heard(sock, family.group))
  end)

  it("replaces a filter's mode and sources at once", function()
    local sock = open()
    assert(sock:filter(family.group, "include", { S[1], S[3] }))
    assert.is_true(sock:filter(family.group, "exclude", { S[1] }))
    assert.equal("2 3", heard(sock, family.group))
    assert.equal("exclude " .. S[1], filter_of(sock))
    assert.is_true(sock:filter(family.group, "exclude", {}, { interface = "lo" }))
    assert.equal("1 2 3", heard(sock, family.group))
  end)

  it("leaves by an include filter without sources", function()
    local sock = open()
    assert.is_true(sock:filter(family.group, "include", {}))
    assert.same({}, sock:groups())
    assert(sock:filter(family.group, "exclude", {}))
    assert.is_true(sock:filter(family.group, "include", {}))
    assert.equal("", heard(sock, family.group))
    assert.same({}, sock:groups())
    assert.is_true(sock:filter(family.group, "exclude", { S[2] }))
    assert.equal("1 3", heard(sock, family.group))
  end)

  it("returns EADDRINUSE for a group joined already from any source", function()
    local sock = open()
    assert(sock:join(family.group))
    fails(E.EADDRINUSE, "already joined", sock:join(family.group))
    fails(E.EADDRINUSE, "already joined", sock:join(family.group, { interface = "lo" }))
    fails(E.EADDRINUSE, "any source .*filter", sock:join(family.group, { source = S[1] }))
    assert.equal("1 2 3", heard(sock, family.group))
  end)

  it("returns EADDRINUSE for a group joined already from some sources", function()
    local sock = open()
    assert(sock:join(family.ssm, { source = S[1] }))
    fails(E.EADDRINUSE, "some sources .*filter", sock:join(family.ssm))
    fails(E.EADDRINUSE, "already joined", sock:join(family.ssm, { source = S[1] }))
    assert.equal("1", heard(sock, family.ssm))
  end)

  it("returns EADDRNOTAVAIL for a group or source that is not joined", function()
    local sock = open()
    fails(E.EADDRNOTAVAIL, "not joined", sock:leave(family.group))
    fails(E.EADDRNOTAVAIL, "not joined", sock:leave(family.group, { source = S[1] }))
    fails(E.EADDRNOTAVAIL, "not joined", sock:block(family.group, S[1]))
    fails(E.EADDRNOTAVAIL, "not joined", sock:unblock(family.group, S[1]))
    assert(sock:join(family.group))
    fails(E.EADDRNOTAVAIL, "not joined", sock:leave(family.group, { source = S[1] }))
    assert.equal("1 2 3", heard(sock, family.group))
    assert(sock:join(family.ssm, { source = S[1] }))
    fails(E.EADDRNOTAVAIL, "not joined", sock:leave(family.ssm, { source = S[2] }))
    assert.equal("1", heard(sock, family.ssm))
  end)

  it("returns EADDRNOTAVAIL for unblock of a source that is not blocked", function()
    local sock = open()
    assert(sock:join(family.group))
    fails(E.EADDRNOTAVAIL, "not blocked", sock:unblock(family.group, S[1]))
    assert.equal("1 2 3", heard(sock, family.group))
  end)

  it("returns EADDRINUSE for a source that is blocked already", function()
    local sock = open()
    assert(sock:join(family.group))
    assert(sock:block(family.group, S[1]))
    fails(E.EADDRINUSE, "already blocked", sock:block(family.group, S[1]))
    assert.equal("2 3", heard(sock, family.group))
  end)

  it("returns EINVAL for block on a group joined from some sources", function()
    local sock = open()
    assert(sock:join(family.ssm, { source = S[1] }))
    fails(E.EINVAL, "some sources", sock:block(family.ssm, S[1]))
    assert.equal("1", heard(sock, family.ssm))
  end)

  it("leaves the membership that a filter names, among up to 17", function()
    for count = 1, 17 do
      local sock = open()
      for i = 1, count do
        assert(sock:join((family.group:gsub("3$", tostring(i + 10)))))
      end
      local first = sock:groups()[1].group
      assert.is_true(sock:filter(first, "include", {}))
      local left = sock:groups()
      assert.equal(count - 1, #left)
      for _, membership in ipairs(left) do
        assert.not_equal(first, membership.group)
      end
    end
  end)

  it("counts a source that is listed twice once", function()
    local sock = open()
    assert.is_true(sock:filter(family.group, "exclude", { S[1], S[1] }))
    assert.equal("exclude " .. S[1], filter_of(sock))
    assert.is_true(sock:unblock(family.group, S[1]))
    assert.equal("1 2 3", heard(sock, family.group))
  end)

  it("returns EINVAL for a unicast address in place of a group", function()
    local sock = open()
    for _, call in ipairs { "join", "leave" } do
      fails(E.EINVAL, family.scope:gsub("%p", "%%%0"), sock[call](sock, S[1]))
    end
    fails(E.EINVAL, "not a group", sock:block(S[1], S[1]))
    fails(E.EINVAL, "not a group", sock:filter(S[1], "include", { S[2] }))
    assert.same({}, sock:groups())
  end)

  it("returns EAFNOSUPPORT and names the family of the other family's addresses", function()
    local sock = open()
    local other = helper.families[family.name == "inet" and 2 or 1]
    fails(E.EAFNOSUPPORT, 'family = "' .. other.name, sock:join(other.group))
    fails(E.EAFNOSUPPORT, 'family = "' .. other.name, sock:join(family.group, { source = other.sources[1] }))
    assert.same({}, sock:groups())
  end)

  it("returns EINVAL for a source that is a group", function()
    local sock = open()
    fails(E.EINVAL, "source", sock:join(family.group, { source = family.other }))
    assert.same({}, sock:groups())
  end)

  it("returns EINVAL for a group or source that is not numeric", function()
    local sock = open()
    fails(E.EINVAL, "not a numeric", sock:join "all-hosts")
    fails(E.EINVAL, "not a numeric", sock:join(family.group, { source = "x" }))
    fails(E.EINVAL, "not a numeric", sock:filter(family.group, "exclude", { S[1], "x" }))
    assert.same({}, sock:groups())
  end)

  it("raises for arguments of a wrong type and unknown keys", function()
    local sock = open()
    local calls = {
      { "join" }, { "join", 5 }, { "join", {} }, { "join", family.group, 5 }, { "join", family.group, { sorce = S[1] } },
      { "join", family.group, { ["interface\0x"] = "lo" } },
      { "join", family.group, { source = 5 } }, { "leave", family.group, { [1] = 1 } }, { "block", family.group },
      { "block", family.group, 5 }, { "block", family.group, S[1], { source = S[1] } }, { "filter", family.group },
      { "filter", family.group, "both", {} }, { "filter", family.group, "include" },
      { "filter", family.group, "include", { 5 } }, { "filter", family.group, "include", { S[1] }, { source = S[1] } },
    }
    for _, call in ipairs(calls) do
      helper.raises(function() sock[call[1]](sock, table.unpack(call, 2)) end)
    end
    assert.same({}, sock:groups())
  end)

  it("returns ENOBUFS and names the sysctl for too many sources", function()
    local sock = open()
    local sources = {}
    for i = 1, family.max_sources + 1 do
      sources[i] = S[1]:gsub("1$", tostring(i + 20))
    end
    fails(E.ENOBUFS, family.sysctl, sock:filter(family.group, "include", sources))
    fails(E.ENOBUFS, family.sysctl, sock:filter(family.group, "exclude", sources))
    assert.same({}, sock:groups())
    for i = 1, family.max_sources do
      assert(sock:join(family.ssm, { source = sources[i] }))
    end
    fails(E.ENOBUFS, family.sysctl, sock:join(family.ssm, { source = sources[#sources] }))
    assert.equal(family.max_sources, #sock:groups()[1].sources)
  end)
end)
