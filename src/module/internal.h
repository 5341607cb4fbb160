/* The one global of src/: seen by module.c and events.c only. */
#ifndef TWCARD_SRC_MODULE_INTERNAL_H
#define TWCARD_SRC_MODULE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "apdu/pcsc.h"
#include "src/token/slot.h"

struct module {
	pthread_mutex_t lock;   /* slots, slot_count, scanned; held across card I/O by C_Finalize only */
	_Atomic pid_t owner;    /* the process that called C_Initialize; 0: nobody */
	_Atomic int active;     /* calls that are inside */
	struct slot *slots[SLOT_ID_MAX]; /* slots[i] has id i + 1; stays until C_Finalize */
	size_t slot_count;
	bool scanned;
	pthread_mutex_t monitor_lock; /* monitor: only ever asked what PC/SC knows already */
	struct pcsc *monitor;
	pthread_mutex_t wait_lock;    /* waiter, waiting, and the slots' `reported` */
	struct pcsc *waiter;          /* where C_WaitForSlotEvent waits */
	uint32_t readers_known;       /* PC/SC's state for "new readers" at the last wait */
	int waiting;                  /* threads that use it: it stays open for them */
};

extern struct module module;

#endif
