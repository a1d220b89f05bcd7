#ifndef KVD_SHM_SYSTEM_H
#define KVD_SHM_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who and when we are, as an arena remembers it. */

/* Random bytes from the system; false with errno. */
bool system_random(void *, size_t len);

/* The kernel's id of this boot, NUL-padded; all zeros if unknown. */
void system_boot_id(char out[40]);

/*
 * Device and inode of our pid namespace: a robust lock names its owner by
 * thread id, which means another thread in another namespace.
 */
void system_pid_namespace(uint64_t out[2]);

/* 36 characters and a NUL. */
void system_format_uuid(const uint8_t uuid[16], char out[37]);

#endif
