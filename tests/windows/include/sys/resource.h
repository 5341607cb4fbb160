/* See there. */
#include "tests/windows/posix_tests.h"
