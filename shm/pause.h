#ifndef KVD_SHM_PAUSE_H
#define KVD_SHM_PAUSE_H

/* For whoever looks at a word again and again: leave the processor some air. */
static inline void
pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif
