/* Prints the provenance tables in the form that docs/PROTOCOL.md has them. */
#include <stdio.h>

#include "protocol_table.h"

int main(void)
{
	char row[100];

	for (size_t i = 0; card_profiles[i]; i++) {
		printf("## %s\n\n| operation | mark |\n|---|---|\n", card_profiles[i]->name);
		for (int op = 0; op < OP_COUNT; op++)
			puts(protocol_row(card_profiles[i], (enum card_op)op, row, sizeof row));
		putchar('\n');
	}
	return 0;
}
