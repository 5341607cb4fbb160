/* Files and directories that other processes of the user write, and no other user may. */
#ifndef TWCARD_APDU_PRIVATE_H
#define TWCARD_APDU_PRIVATE_H

#include <stdbool.h>
#include <sys/stat.h>

/*
 * True if what is open is of this type (S_IFREG, S_IFDIR), belongs to this user,
 * and nobody else has any right to it.
 */
bool is_private(int fd, mode_t type);

#endif
