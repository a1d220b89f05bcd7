#ifndef KVD_SERVER_WAKE_H
#define KVD_SERVER_WAKE_H

#include <stdint.h>
#include <unistd.h>

/*
 * Add 1 to the eventfd of somebody who sleeps on it; -1 and the like stand
 * for nobody.  It is non-blocking: full is as good as one more.
 */
static inline void
wake(int fd)
{
	uint64_t one = 1;

	if (fd >= 0)
		(void)!write(fd, &one, sizeof(one));
}

#endif
