/*
** Payloads: the bytes of a packet, a Lua string made once when it is sent, and
** its addresses as Lua values. They are in a table of the net until their
** packet is used again.
*/
#include "sim.h"

void sim_storepayload(lua_State *L, const sim_Net *net, const sim_Packet *p,
                      const void *data) {
  sim_pushref(L, net, net->payloads);
  lua_pushlstring(L, data, p->size);
  lua_rawseti(L, -2, p->data);
  mcast_pushaddress(L, &p->from);
  lua_rawseti(L, -2, p->data + 1);
  mcast_pushaddress(L, &p->to);
  lua_rawseti(L, -2, p->data + 2);
  lua_pop(L, 1);
}

/* Describes a packet in the table at the top, for rules and for the trace. */
void sim_setpacket(lua_State *L, const sim_Net *net, const sim_Packet *p,
                   int ttl) {
  lua_pushinteger(L, p->id);
  lua_setfield(L, -2, "packet");
  sim_pushref(L, net, net->payloads);
  lua_rawgeti(L, -1, p->data);
  lua_setfield(L, -3, "data");
  lua_rawgeti(L, -1, p->data + 1);
  lua_setfield(L, -3, "from");
  lua_rawgeti(L, -1, p->data + 2);
  lua_setfield(L, -3, "to");
  lua_pop(L, 1);
  lua_pushinteger(L, ttl);
  lua_setfield(L, -2, "ttl");
  if (p->tclass == 0)
    return;
  lua_pushinteger(L, p->tclass >> 2);
  lua_setfield(L, -2, "dscp");
  lua_pushinteger(L, p->tclass & 3);
  lua_setfield(L, -2, "ecn");
}
