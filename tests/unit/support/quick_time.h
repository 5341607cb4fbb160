/*
 * Time for tests of what the module waits out: nanosleep() takes a tenth of
 * what it is asked for, in the whole program that links quick_time.c. Looks
 * that are counted are counted as ever; a test's own pauses shrink alike.
 */
#ifndef TEST_QUICK_TIME_H
#define TEST_QUICK_TIME_H

#define QUICK_TIME 10

#endif
