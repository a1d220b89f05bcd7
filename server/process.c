/*
 * Other processes, as proc(5) shows them.  A pid is only a hint: it may be
 * somebody else's by now.  What tells them apart is when they were born, for
 * a successor is born after the other's last sign of life.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/log.h"
#include "server/process.h"

#define BIRTH_FIELD	22	/* of /proc/PID/stat, in ticks since the boot */
#define STATE_FIELD	3
/* Births are known to the tick, and times of ours are not taken at once. */
#define TICKS_MS	100

/* The fields from the state on; line is for a copy.  NULL: no such process. */
static const char *
read_stat(pid_t pid, char *line, int size)
{
	char path[64], *after = NULL;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		return NULL;
	/* The name in parentheses may have any character in it. */
	if (fgets(line, size, f) != NULL)
		after = strrchr(line, ')');
	fclose(f);
	return after != NULL && after[1] == ' ' ? after + 2 : NULL;
}

char
process_state(pid_t pid)
{
	char line[512];
	const char *stat = read_stat(pid, line, sizeof(line));

	return stat == NULL ? 0 : *stat;
}

/* How long ago it was born. */
static uint64_t
age_ms(const char *stat)
{
	uint64_t birth, now_ms = clock_read_ms(CLOCK_BOOTTIME);
	int field;

	for (field = STATE_FIELD; field < BIRTH_FIELD && stat != NULL; field++)
		if ((stat = strchr(stat, ' ')) != NULL)
			stat++;
	if (stat == NULL)
		return 0;
	birth = strtoull(stat, NULL, 10) * 1000 /
	    (uint64_t)sysconf(_SC_CLK_TCK);
	return now_ms > birth ? now_ms - birth : 0;
}

bool
process_is_there(pid_t pid, uint64_t at_ms)
{
	uint64_t now_ms = clock_ms();
	char line[512];
	const char *stat = read_stat(pid, line, sizeof(line));

	if (stat == NULL || *stat == 'Z')
		return false;
	return at_ms > now_ms || age_ms(stat) + TICKS_MS >= now_ms - at_ms;
}

void
process_end_orphan(pid_t pid, uint64_t at_ms)
{
	if (pid == getpid() || !process_is_there(pid, at_ms))
		return;
	log_warn("killing process %d, which a master that died has left "
	    "behind", (int)pid);
	kill(pid, SIGKILL);
}
