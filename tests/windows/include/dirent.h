/* Its struct is apdu/posix_windows.h's. */
