/* The module's state, one for the process: seen by the files of src/module only. */
#ifndef TWCARD_SRC_MODULE_INTERNAL_H
#define TWCARD_SRC_MODULE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "src/token/slot.h"

struct module {
	pthread_mutex_t lock;   /* C_Initialize and C_Finalize as a whole */
	_Atomic pid_t process;  /* whose memory this is: the last one that called; 0: nobody did */
	_Atomic pid_t heir;     /* a forked child that is leaving its parent's things behind just now */
	_Atomic pid_t owner;    /* the process that called C_Initialize; 0: nobody */
	_Atomic int active;     /* calls that are inside */
	pthread_mutex_t slots_lock; /* adding a slot */
	struct slot *slots[SLOTS_MAX]; /* slots[i] has id i; stays until C_Finalize */
	_Atomic size_t slot_count; /* what it counts may be read without the lock */
};

extern struct module module;

#endif
