/*
 * For tests of what the module waits out: in a program that links
 * quick_time.c, nanosleep() takes a tenth of the time asked for. Counted looks
 * are counted as ever, and a test's own pauses shrink alike.
 *
 * It is no part of the support library, where every test would get it.
 */
#ifndef TEST_QUICK_TIME_H
#define TEST_QUICK_TIME_H

#define QUICK_TIME_FACTOR 10

#endif
