/* There are no children: fork() fails. */
#include "tests/windows/posix_tests.h"
