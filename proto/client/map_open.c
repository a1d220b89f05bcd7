/* Mapping the memory of a server, or why not, and what to do then. */

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "proto/client/error.h"
#include "proto/client/map.h"

#define BATCH_BYTES	((size_t)64 * 1024)
#define PASSWD_BYTES	16384

static const char *
remedy_of(enum arena_error error)
{
	switch (error) {
	case ARENA_MISSING:
		return "is kvd running under that name, on this machine?";
	case ARENA_UNFINISHED:
		return "kvd is starting, or died while it did: try again";
	case ARENA_NOT_AN_ARENA:
		return "start kvd, which tells what to do";
	case ARENA_OTHER_LAYOUT:
		return "read it with the libkv that came with that kvd";
	case ARENA_OTHER_BOOT:
		return "start kvd, which makes a new one";
	case ARENA_OTHER_PIDNS:
		return "read it in the container that kvd runs in";
	case ARENA_OTHER_USER:
		return "it is not owned by who was asked for";
	case ARENA_ERRNO:
		if (errno == EACCES)
			return "see readers in kvd.conf(5) for who may read";
		break;
	case ARENA_OK:
	case ARENA_EXISTS:
	case ARENA_TOO_SMALL:
	case ARENA_NO_SPACE:
	case ARENA_BAD_PARAMS:
	case ARENA_NO_ROBUST:
		break;
	}
	return "the system refuses it";
}

static enum kv_status
refuse(struct kv_map *map, enum arena_error error)
{
	enum kv_status status = KV_UNREACHABLE;

	if (error == ARENA_ERRNO && errno == EINVAL)
		return map_fail(map, KV_BAD_ARGUMENT, "%.100s: not the name "
		    "of an instance (1 to %d bytes without a slash)",
		    map->name, ARENA_NAME_MAX);
	if (error == ARENA_ERRNO && errno == ENOMEM)
		status = KV_NO_MEMORY;
	return map_fail(map, status, "/dev/shm/kvd.%s: %s (%s)", map->name,
	    arena_strerror(error), remedy_of(error));
}

static void
leave(struct kv_map *map)
{
	arena_close(map->arena);
	free(map->value);
	map->arena = NULL;
	map->value = NULL;
	memset(&map->owned, 0, sizeof(map->owned));
	memset(&map->last, 0, sizeof(map->last));
}

static enum kv_status
attach(struct kv_map *map)
{
	enum arena_error error;

	error = arena_attach_reader(&map->arena, map->name,
	    map->has_owner ? &map->owner : NULL);
	if (error != ARENA_OK) {
		map->arena = NULL;
		return refuse(map, error);
	}
	arena_remember_names(map->arena);
	map->looked_ms = 0;
	map->value_max = arena_value_max(map->arena);
	map->value = malloc(map->value_max + 1);
	if (map->value != NULL)
		return KV_OK;
	leave(map);
	return map_fail(map, KV_NO_MEMORY, "%s: out of memory for a value",
	    map->name);
}

static enum kv_status
look_up(struct kv_map *map, const char *owner)
{
	char *buf = malloc(PASSWD_BYTES);
	struct passwd pw, *found = NULL;

	if (buf == NULL)
		return map_fail(map, KV_NO_MEMORY, "a user: out of memory");
	(void)getpwnam_r(owner, &pw, buf, PASSWD_BYTES, &found);
	if (found != NULL) {
		map->owner = found->pw_uid;
		map->has_owner = true;
	}
	free(buf);
	return map->has_owner ? KV_OK : map_fail(map, KV_BAD_ARGUMENT,
	    "%.100s: no such user (name who runs kvd)", owner);
}

static enum kv_status
prepare(struct kv_map *map, const char *name,
    const struct kv_map_options *options)
{
	map->why = "";
	map->wait_ms = MAP_WAIT_MS;
	map->name = strdup(name);
	map->batch.cap = BATCH_BYTES;
	map->batch.buf = malloc(map->batch.cap);
	if (map->name == NULL || map->batch.buf == NULL)
		return map_fail(map, KV_NO_MEMORY, "a map: out of memory");
	if (options == NULL)
		return KV_OK;
	if (options->wait_ms != 0)
		map->wait_ms = options->wait_ms;
	return options->owner == NULL ? KV_OK : look_up(map, options->owner);
}

struct kv_map *
kv_map_open(const char *name, const struct kv_map_options *options,
    struct kv_error *error)
{
	struct kv_map *map = calloc(1, sizeof(*map));
	enum kv_status status;

	if (map == NULL) {
		error_set(error, KV_NO_MEMORY, "a map: out of memory");
		return NULL;
	}
	status = prepare(map, name != NULL ? name : MAP_NAME, options);
	if (status == KV_OK)
		status = attach(map);
	if (status == KV_OK)
		return map;
	error_set(error, status, map->message);
	kv_map_close(map);
	return NULL;
}

enum kv_status
kv_map_reopen(struct kv_map *map)
{
	if (map->listing)
		return map_fail(map, KV_BUSY, "/dev/shm/kvd.%s: a list is "
		    "being read (open it again after that)", map->name);
	leave(map);
	map->why = "";
	return attach(map);
}

void
kv_map_close(struct kv_map *map)
{
	if (map == NULL)
		return;
	leave(map);
	free(map->batch.buf);
	free(map->name);
	free(map);
}

const char *
kv_map_message(const struct kv_map *map)
{
	return map->why;
}

bool
kv_map_served(const struct kv_map *map)
{
	return map->arena != NULL && arena_is_served(map->arena);
}
