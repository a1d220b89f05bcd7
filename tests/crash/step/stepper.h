#ifndef KVD_STEP_STEPPER_H
#define KVD_STEP_STEPPER_H

#include "trace.h"

/*
 * Running a piece of work in a process of its own, one instruction after the
 * other.  work(arg) is run in a child that has been forked from the caller;
 * what it returns is the status.  An instruction is what the processor takes
 * for one step; a system call is one, too.
 */

/*
 * Step through all of it and record the arena after each instruction.  The
 * trace begins with the arena as it is now and ends when work returns; it is
 * not complete if the child ended or got a signal before.
 */
void stepper_record(struct trace *, int (*work)(const void *arg),
    const void *arg);

/*
 * Do it again, on the same arena, and kill the child with SIGKILL after so
 * many instructions.  Returns when it is gone.  It gets near by breakpoints,
 * which some processors miss (measured: one hit in hundreds on an AMD EPYC
 * under KVM, at a jump that it fuses with the comparison in front of it), so
 * it may come to another place: then walk.
 */
void stepper_kill(const struct trace *, uint32_t step,
    int (*work)(const void *arg), const void *arg);

/* Likewise, one instruction after the other, and so exactly there.  Fails the
 * test if the child does not come there. */
void stepper_walk_and_kill(uint32_t step, int (*work)(const void *arg),
    const void *arg);

#endif
