/*
 * Last words of a child that a signal kills, written by its signal handler
 * into memory that outlives it.
 *
 *	 progress                    signal, code, .. pc   frames
 *	+--------------------------+---------------------+--------------+
 *	| pid << 2 | how far (0-3) |                     | 16 addresses |
 *	+--------------------------+---------------------+--------------+
 *
 * The handler may run while its process holds the lock of a shard, and it may
 * be killed half way, by the watchdog or by a second fault in an unwinder
 * that finds the stack in ruins.  So it does the cheap and certain first, says
 * after each part that this part is there (one word, stored last), and names
 * its process in the same word: what a predecessor in the slot has left can
 * never pass for its successor's words.  It calls nothing that is not
 * async-signal-safe; backtrace(3) is, once it is loaded.
 *
 * The disposition is back to default when the handler begins, so a second
 * fault of the kind ends everything at once.  One of another kind comes here
 * again, finds that words are being written, and leaves them.  Either way the
 * process dies of the first signal, so its wait status tells the truth.
 *
 * Files in place of shared memory were not taken: to open or write one under
 * a lock may take long, and a full disk would make every child mute.
 */

#include "server/lastwords.h"

#include <sys/mman.h>

#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "shm/board.h"

#define STACK_BYTES	((size_t)64 * 1024)	/* the unwinder takes 10 */
#define FRAMES_OURS	6	/* of handler and trampoline, at most */

struct entry {				/* one writer, the slot's owner */
	_Atomic uint64_t	 progress;
	int			 signal;
	int			 code;
	pid_t			 sender;
	unsigned		 frames;
	uint64_t		 address;
	uint64_t		 pc;
	uint64_t		 frame[LASTWORDS_FRAMES];
} __attribute__((aligned(64)));

struct lastwords_sheet {
	struct entry		 entry[BOARD_SLOTS];
};

/* A handler has no argument of its own. */
static struct {
	struct entry		*entry;
	pid_t			 pid;
	volatile sig_atomic_t	 signal;	/* the first one, or 0 */
} self;

static uint8_t stack[STACK_BYTES] __attribute__((aligned(16)));

struct lastwords_sheet *
lastwords_open(void)
{
	struct lastwords_sheet *sheet;
	void *frame;

	sheet = mmap(NULL, sizeof(*sheet), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (sheet == MAP_FAILED)
		return NULL;
	backtrace(&frame, 1);
	return sheet;
}

void
lastwords_close(struct lastwords_sheet *sheet)
{
	munmap(sheet, sizeof(*sheet));
}

/* In the handler. */

static uint64_t
pc_of(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (uint64_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return context->uc_mcontext.pc;
#else
	(void)context;
	return 0;
#endif
}

/*
 * Pairs with the load in lastwords_read(): who sees how far we got also sees
 * what was written before.
 */
static void
say(struct entry *entry, enum lastwords_state state)
{
	atomic_store_explicit(&entry->progress,
	    (uint64_t)self.pid << 2 | state, memory_order_release);
}

static void
write_cause(struct entry *entry, int signal, const siginfo_t *info,
    const ucontext_t *context)
{
	entry->signal = signal;
	entry->code = info->si_code;
	entry->sender = info->si_code <= 0 ? info->si_pid : 0;
	entry->address = info->si_code > 0 ?
	    (uint64_t)(uintptr_t)info->si_addr : 0;
	entry->pc = pc_of(context);
}

/* Those behind the one that was interrupted; ours say nothing. */
static void
write_frames(struct entry *entry)
{
	void *all[LASTWORDS_FRAMES + FRAMES_OURS];
	int i, n = backtrace(all, LASTWORDS_FRAMES + FRAMES_OURS);

	for (i = 0; i < n && (uint64_t)(uintptr_t)all[i] != entry->pc; i++)
		;
	i = i == n ? 0 : i + 1;
	for (; i < n && entry->frames < LASTWORDS_FRAMES; i++)
		entry->frame[entry->frames++] = (uint64_t)(uintptr_t)all[i];
}

static void
on_signal(int signal, siginfo_t *info, void *context)
{
	struct entry *entry = self.entry;

	if (self.signal == 0 && getpid() == self.pid) {
		self.signal = signal;
		say(entry, LASTWORDS_BEGUN);
		write_cause(entry, signal, info, context);
		entry->frames = 0;
		say(entry, LASTWORDS_CAUSE);
		write_frames(entry);
		say(entry, LASTWORDS_WHOLE);
	}
	raise(self.signal != 0 ? self.signal : signal);
}

/* Before and after. */

static int
install(void)
{
	static const int signals[] = {
		SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP
	};
	struct sigaction action = { .sa_sigaction = on_signal };
	size_t i;

	action.sa_flags = (int)((unsigned)(SA_SIGINFO | SA_ONSTACK |
	    SA_NODEFER) | SA_RESETHAND);
	sigemptyset(&action.sa_mask);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], &action, NULL) == -1)
			return -1;
	return 0;
}

int
lastwords_arm(struct lastwords_sheet *sheet, unsigned slot)
{
	const stack_t alternate = {
		.ss_sp = stack, .ss_size = sizeof(stack)
	};

	self.entry = &sheet->entry[slot];
	self.pid = getpid();
	self.signal = 0;
	atomic_store(&self.entry->progress, 0);
	if (sigaltstack(&alternate, NULL) == -1)
		return -1;
	return install();
}

void
lastwords_read(const struct lastwords_sheet *sheet, unsigned slot, pid_t pid,
    struct lastwords *words)
{
	const struct entry *entry = &sheet->entry[slot];
	uint64_t progress = atomic_load_explicit(&entry->progress,
	    memory_order_acquire);

	memset(words, 0, sizeof(*words));
	if (progress >> 2 != (uint64_t)pid)
		return;
	words->state = (enum lastwords_state)(progress & 3);
	words->pid = pid;
	if (words->state < LASTWORDS_CAUSE)
		return;
	words->signal = entry->signal;
	words->code = entry->code;
	words->sender = entry->sender;
	words->address = entry->address;
	words->pc = entry->pc;
	if (words->state < LASTWORDS_WHOLE)
		return;
	words->frames = entry->frames;
	memcpy(words->frame, entry->frame, sizeof(words->frame));
}

void
lastwords_take(struct lastwords_sheet *sheet, unsigned slot, pid_t pid,
    struct lastwords *words)
{
	lastwords_read(sheet, slot, pid, words);
	atomic_store(&sheet->entry[slot].progress, 0);
}
