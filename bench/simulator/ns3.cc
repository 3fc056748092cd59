// The deliveries of deliveries.lua in ns-3, of Debian's libns3-dev: one sender, n receivers
// on one channel, 64 bytes each millisecond, and a uniform delay from 1 to 4 ms for each copy.
// usage: ns3 udp|device n sends
// udp: UDP sockets over the Internet stack; device: bare devices, without a stack.
// Prints a line "delivery ns", of processor time.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <ns3/core-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>

using namespace ns3;

static const uint16_t Port = 10000;
static const uint16_t Protocol = 0x88b5; // IEEE's for experiments
static const uint32_t Size = 64;

static int sends;
static uint64_t received;

// A SimpleChannel with a delay of its own for each copy.
class DelayedChannel : public SimpleChannel {
public:
  void Send(Ptr<Packet> packet, uint16_t protocol, Mac48Address to,
            Mac48Address from, Ptr<SimpleNetDevice> sender) override {
    for (const auto &device : m_all)
      if (device != sender)
        Simulator::ScheduleWithContext(device->GetNode()->GetId(),
                                       Seconds(m_delay->GetValue()),
                                       &SimpleNetDevice::Receive, device,
                                       packet->Copy(), protocol, to, from);
  }

  void Add(Ptr<SimpleNetDevice> device) override {
    SimpleChannel::Add(device);
    m_all.push_back(device);
  }

  DelayedChannel() : m_delay(CreateObject<UniformRandomVariable>()) {
    m_delay->SetAttribute("Min", DoubleValue(0.001));
    m_delay->SetAttribute("Max", DoubleValue(0.004));
  }

private:
  std::vector<Ptr<SimpleNetDevice>> m_all;
  Ptr<UniformRandomVariable> m_delay;
};

static bool ReceiveFrame(Ptr<NetDevice>, Ptr<const Packet>, uint16_t,
                         const Address &) {
  received++;
  return true;
}

static void SendFrame(Ptr<NetDevice> device, Address group, int left) {
  device->Send(Create<Packet>(Size), group, Protocol);
  if (left > 1)
    Simulator::Schedule(MilliSeconds(1), SendFrame, device, group, left - 1);
}

static void ReceiveDatagram(Ptr<Socket> socket) {
  Address from;
  while (socket->RecvFrom(from))
    received++;
}

static void SendDatagram(Ptr<Socket> socket, InetSocketAddress to, int left) {
  socket->SendTo(Create<Packet>(Size), 0, to);
  if (left > 1)
    Simulator::Schedule(MilliSeconds(1), SendDatagram, socket, to, left - 1);
}

static void UseDevices(const NetDeviceContainer &devices) {
  const Address group = Mac48Address::GetMulticast(Ipv4Address("239.1.2.3"));
  for (uint32_t i = 1; i < devices.GetN(); i++)
    devices.Get(i)->SetReceiveCallback(MakeCallback(&ReceiveFrame));
  Simulator::Schedule(MilliSeconds(500), SendFrame, devices.Get(0), group,
                      sends);
}

static Ptr<Socket> OpenSocket(Ptr<Node> node, uint16_t port) {
  Ptr<Socket> socket =
      Socket::CreateSocket(node, UdpSocketFactory::GetTypeId());
  if (socket->Bind(InetSocketAddress(Ipv4Address::GetAny(), port)) != 0)
    exit(1);
  return socket;
}

static void UseSockets(const NodeContainer &nodes,
                       const NetDeviceContainer &devices) {
  const InetSocketAddress to(Ipv4Address("239.1.2.3"), Port);
  InternetStackHelper stack;
  stack.SetIpv6StackInstall(false);
  stack.Install(nodes);
  Ipv4AddressHelper addresses("10.0.0.0", "255.0.0.0");
  addresses.Assign(devices);
  Ipv4StaticRoutingHelper().SetDefaultMulticastRoute(nodes.Get(0),
                                                     devices.Get(0));
  for (uint32_t i = 1; i < nodes.GetN(); i++)
    OpenSocket(nodes.Get(i), Port)
        ->SetRecvCallback(MakeCallback(&ReceiveDatagram));
  Simulator::Schedule(MilliSeconds(500), SendDatagram,
                      OpenSocket(nodes.Get(0), 0), to, sends);
}

int main(int argc, char **argv) {
  if (argc != 4)
    return 2;
  const uint64_t n = strtoul(argv[2], nullptr, 10);
  sends = atoi(argv[3]);
  NodeContainer nodes;
  nodes.Create(static_cast<uint32_t>(n + 1));
  SimpleNetDeviceHelper helper;
  const NetDeviceContainer devices =
      helper.Install(nodes, CreateObject<DelayedChannel>());
  if (strcmp(argv[1], "udp") == 0)
    UseSockets(nodes, devices);
  else
    UseDevices(devices);
  Simulator::Stop(MilliSeconds(400));
  Simulator::Run();
  const clock_t start = clock();
  Simulator::Run();
  const double took = static_cast<double>(clock() - start) / CLOCKS_PER_SEC;
  if (received != n * static_cast<uint64_t>(sends)) {
    fprintf(stderr, "%lu of %lu received\n", received, n * sends);
    return 1;
  }
  printf("delivery %.1f\n", took / static_cast<double>(received) * 1e9);
  Simulator::Destroy();
  return 0;
}
