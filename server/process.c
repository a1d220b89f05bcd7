/*
 * Other processes, as proc(5) shows them.  A pid is only a hint: it may be
 * somebody else's by now, so before a kill it is asked for its name.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/log.h"
#include "server/process.h"

char
process_state(pid_t pid)
{
	char path[64], line[512], *after = NULL;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		return 0;
	/* The name in parentheses may have any character in it. */
	if (fgets(line, sizeof(line), f) != NULL)
		after = strrchr(line, ')');
	fclose(f);
	return after != NULL && after[1] == ' ' ? after[2] : 0;
}

bool
process_is_there(pid_t pid)
{
	char state = process_state(pid);

	return state != 0 && state != 'Z';
}

/* A process of our program, but not this one? */
static bool
is_kvd(pid_t pid)
{
	char path[64], name[2][32] = { "", "" };
	const int pids[2] = { (int)pid, (int)getpid() };
	FILE *f;
	int i;

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/%d/comm", pids[i]);
		if ((f = fopen(path, "re")) == NULL)
			return false;
		if (fgets(name[i], sizeof(name[i]), f) == NULL)
			name[i][0] = '\0';
		fclose(f);
	}
	return pid != getpid() && name[0][0] != '\0' &&
	    strcmp(name[0], name[1]) == 0;
}

void
process_end_orphan(pid_t pid)
{
	if (!is_kvd(pid))
		return;
	log_warn("killing process %d, which a master that died has left "
	    "behind", (int)pid);
	kill(pid, SIGKILL);
}
