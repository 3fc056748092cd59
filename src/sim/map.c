/*
** A hash map with open addressing.
*/
#include "sim.h"

typedef struct sim_Entry {
  sim_Key key;
  void *value; /* NULL: free */
} Entry;

sim_Key sim_key(const mcast_Sockaddr *host, uint64_t number) {
  sim_Key key;
  memset(&key, 0, sizeof key);
  key.number = number;
  if (host->sa.sa_family == AF_INET) {
    memset(key.host.s6_addr + 10, 255, 2);
    memcpy(key.host.s6_addr + 12, &host->in.sin_addr, 4);
  } else {
    key.host = host->in6.sin6_addr;
  }
  return key;
}

static uint64_t hash(const sim_Key *key) {
  uint64_t halves[2];
  memcpy(halves, &key->host, sizeof halves);
  sim_Stream s = halves[0] ^ key->number;
  s = sim_draw(&s) ^ halves[1];
  return sim_draw(&s);
}

/* The entry of the key, or the free one for it. */
static Entry *findentry(const sim_Map *map, const sim_Key *key) {
  size_t i = hash(key) & (map->capacity - 1);
  while (map->entries[i].value != NULL &&
         memcmp(&map->entries[i].key, key, sizeof *key) != 0)
    i = (i + 1) & (map->capacity - 1);
  return &map->entries[i];
}

void *sim_find(const sim_Map *map, sim_Key key) {
  return map->count > 0 ? findentry(map, &key)->value : NULL;
}

static bool enlarge(sim_Map *map) {
  sim_Map larger = {NULL, map->capacity > 0 ? 2 * map->capacity : 16,
                    map->count};
  larger.entries = calloc(larger.capacity, sizeof *larger.entries);
  if (larger.entries == NULL)
    return false;
  for (size_t i = 0; i < map->capacity; i++)
    if (map->entries[i].value != NULL)
      *findentry(&larger, &map->entries[i].key) = map->entries[i];
  free(map->entries);
  *map = larger;
  return true;
}

/* Sets the value of the key; false without memory. */
bool sim_insert(sim_Map *map, sim_Key key, void *value) {
  if (4 * (map->count + 1) > 3 * map->capacity && !enlarge(map))
    return false;
  Entry *e = findentry(map, &key);
  if (e->value == NULL)
    map->count++;
  e->key = key;
  e->value = value;
  return true;
}

/* Removes a key. Entries after it, up to the next free one, move towards their
   own places, so that none is behind a free one. */
void sim_remove(sim_Map *map, sim_Key key) {
  size_t mask = map->capacity - 1;
  Entry *free = map->count > 0 ? findentry(map, &key) : NULL;
  if (free == NULL || free->value == NULL)
    return;
  free->value = NULL;
  map->count--;
  for (size_t i = (size_t)(free - map->entries + 1) & mask;
       map->entries[i].value != NULL; i = (i + 1) & mask) {
    Entry moved = map->entries[i];
    map->entries[i].value = NULL;
    *findentry(map, &moved.key) = moved;
  }
}

/* The value of an entry, or NULL. */
void *sim_getvalue(const sim_Map *map, size_t i) {
  return map->entries[i].value;
}
