#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include "child.h"

bool child_gets_zeros(void)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status = 1;
	pid_t child;

	assert_ptr_not_equal(page, MAP_FAILED);
	*page = 1;
	if (madvise(page, size, MADV_WIPEONFORK) == 0) {
		child = child_start();
		if (child == 0)
			_exit(*page);
		assert_int_equal(waitpid(child, &status, 0), child);
	}
	munmap(page, size);
	return status == 0;
}
