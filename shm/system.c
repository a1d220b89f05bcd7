/* Facts from the kernel that tell whether an arena is still meaningful. */

#include "shm/system.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool
system_random(void *out, size_t len)
{
	return getrandom(out, len, 0) == (ssize_t)len;
}

void
system_boot_id(char out[40])
{
	ssize_t n = 0;
	int fd;

	memset(out, 0, 40);
	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return;
	n = read(fd, out, 36);
	close(fd);
	if (n != 36)
		memset(out, 0, 40);
}

void
system_pid_namespace(uint64_t out[2])
{
	struct stat st;

	out[0] = out[1] = 0;
	if (stat("/proc/self/ns/pid", &st) == -1)
		return;
	out[0] = st.st_dev;
	out[1] = st.st_ino;
}

void
system_format_uuid(const uint8_t uuid[16], char out[37])
{
	static const char digits[] = "0123456789abcdef";
	unsigned i;

	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = digits[uuid[i] >> 4];
		*out++ = digits[uuid[i] & 15];
	}
	*out = '\0';
}
