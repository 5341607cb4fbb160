/*
 * bench_steps [GENERATION] - how many instructions the host's processor
 * executes for one C_SignInit + C_Sign, counted one by one. callgrind counts
 * what OpenSSL does on the processor that valgrind shows it, which has no ADX:
 * long numbers take twice as many instructions there. The
 * PC/SC double with the virtual card in it (SCard*) is not counted.
 */
#include <stdio.h>

#ifndef __x86_64__

int main(void)
{
	printf("bench_steps: knows the registers of x86-64 only\n");
	return 0;
}

#else

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <winscard.h>

#include "gen2card.h"

#define TRAP 0xCC /* int3 */

static const void *const outside[] = {
	SCardTransmit, SCardBeginTransaction, SCardEndTransaction, SCardGetStatusChange, SCardStatus,
	SCardReconnect, SCardConnect, SCardDisconnect, SCardListReaders};

static void sign_once(CK_OBJECT_HANDLE key, CK_ULONG number)
{
	unsigned char sig[256];
	CK_ULONG len = sizeof sig;

	if (C_SignInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key) != CKR_OK ||
	    C_Sign(bench.session, (CK_BYTE *)&number, sizeof number, sig, &len) != CKR_OK)
		_exit(1);
}

/* The process that is counted: stops before and after the signature that counts. */
static void sign(int generation)
{
	CK_OBJECT_HANDLE key;

	home_make();
	log_level("none");
	keyset_install();
	bench.card = generation == 2 ? gen2_load() : testcard_load();
	fake_clear();
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	module_start();
	bench.slot = slot_of(READER);
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	for (CK_ULONG i = 0; i < 3; i++)
		sign_once(key, i);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	sign_once(key, 3);
	raise(SIGSTOP);
	_exit(0);
}

static bool is_outside(unsigned long long at)
{
	for (size_t i = 0; i < COUNT(outside); i++)
		if (at == (unsigned long long)(uintptr_t)outside[i])
			return true;
	return false;
}

/* Runs a function that has just been called to its end. */
static void run_out(pid_t pid, struct user_regs_struct *regs)
{
	long back = ptrace(PTRACE_PEEKDATA, pid, (void *)regs->rsp, NULL);
	long code = ptrace(PTRACE_PEEKDATA, pid, (void *)back, NULL);
	int status;

	ptrace(PTRACE_POKEDATA, pid, (void *)back, (void *)((code & ~0xFFL) | TRAP));
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	waitpid(pid, &status, 0);
	ptrace(PTRACE_POKEDATA, pid, (void *)back, (void *)code);
	ptrace(PTRACE_GETREGS, pid, NULL, regs);
	regs->rip = (unsigned long long)back;
	ptrace(PTRACE_SETREGS, pid, NULL, regs);
}

static unsigned long count(pid_t pid)
{
	struct user_regs_struct regs;
	unsigned long steps = 0;
	int status;

	waitpid(pid, &status, 0);
	while (WIFSTOPPED(status) && ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0) {
		waitpid(pid, &status, 0);
		if (!WIFSTOPPED(status) || WSTOPSIG(status) == SIGSTOP)
			break;
		ptrace(PTRACE_GETREGS, pid, NULL, &regs);
		if (is_outside(regs.rip))
			run_out(pid, &regs);
		steps++;
	}
	kill(pid, SIGKILL);
	return steps;
}

int main(int argc, char **argv)
{
	int generation = argc > 1 ? atoi(argv[1]) : 1;
	pid_t pid = fork();

	if (pid == 0)
		sign(generation);
	printf("generation %d: %lu instructions on this processor\n", generation, count(pid));
	return 0;
}

#endif
