/*
 * A clock that a test moves: programs that are linked with --wrap for
 * nanosleep() and clock_gettime() wait a tenth of what is asked for, all that
 * was asked for is counted, and a silent card lets time go by at once.
 */
#ifndef TESTS_SWEEP_CLOCK_H
#define TESTS_SWEEP_CLOCK_H

/* This many milliseconds go by, on every clock but that of the day. */
void clock_pass(unsigned ms);

/* Milliseconds that were waited for since the last call of it, without those that went by. */
unsigned clock_waited(void);

#endif
