/* For bash; it needs nothing of the package bash-completion. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tools/twcard/completion/completion.h"

static const char *const kinds[] = {
	[COMPLETE_NOTHING] = "none",
	[COMPLETE_FILE] = "file",
	[COMPLETE_FOLDER] = "folder",
	[COMPLETE_CHOICES] = "choices",
};

/*
 * The code around the tables. bash takes "--out=x" for three words, which is
 * undone first; a value asked for by the word before comes before all else.
 */
static const char head[] =
	"# bash completion for twcard; made from the rows of its commands.\n"
	"\n"
	"_twcard()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} first=${COMP_WORDS[1]}\n"
	"\tlocal command=$first options='' words=none kind='' choices='' seconds='' given='' i\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\tif [[ $cur == = ]]; then\n"
	"\t\tcur=''\n"
	"\telif [[ $prev == = ]] && ((COMP_CWORD > 2)); then\n"
	"\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n"
	"\tfi\n";

static const char tail[] =
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\t[[ ${COMP_WORDS[i]} == -- ]] && kind=$words\n"
	"\tdone\n"
	"\t((COMP_CWORD == 1)) && options+=' --version'\n"
	"\tif [[ -z $kind ]]; then\n"
	"\t\tif ((COMP_CWORD == 1)) && [[ $cur != -* ]]; then\n"
	"\t\t\tkind=choices choices=$firsts\n"
	"\t\telif ((COMP_CWORD == 2)) && [[ -n $seconds ]]; then\n"
	"\t\t\tkind=choices choices=$seconds\n"
	"\t\telif [[ $cur == -* ]]; then\n"
	"\t\t\tkind=choices choices=$options\n"
	"\t\telse\n"
	"\t\t\tkind=$words\n"
	"\t\tfi\n"
	"\tfi\n"
	"\tcase $kind in\n"
	"\tchoices) mapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"$cur\") ;;\n"
	"\tfile) given=-f ;;\n"
	"\tfolder) given=-d ;;\n"
	"\tesac\n"
	"\tif [[ -n $given ]]; then\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen \"$given\" -- \"$cur\")\n"
	"\tfi\n"
	"}\n"
	"\n"
	"complete -F _twcard twcard\n";

static void print_names(void)
{
	char first[COMPLETION_WORD_MAX];

	printf("\tlocal firsts='");
	for (size_t i = 0; commands[i]; i++)
		if (completion_is_first(i))
			printf("%s ", completion_first(commands[i], first));
	printf("help'\n\n\tcase $first in\n");
	for (size_t i = 0; commands[i]; i++) {
		if (!completion_is_first(i) || !completion_second(commands[i]))
			continue;
		completion_first(commands[i], first);
		printf("\t%s)\n\t\tcommand=\"$first ${COMP_WORDS[2]-}\" seconds='", first);
		for (size_t j = i; commands[j]; j++) {
			char other[COMPLETION_WORD_MAX];

			if (strcmp(first, completion_first(commands[j], other)) == 0)
				printf("%s%s", j == i ? "" : " ", completion_second(commands[j]));
		}
		printf("'\n\t\t;;\n");
	}
	printf("\t-* | '') command=%s ;;\n\tesac\n", commands[0]->name);
}

static void print_options(const struct subcommand *command)
{
	const struct option_row *row;

	printf("\t'%s')\n\t\twords=%s options='", command->name, kinds[completion_kind(command->words)]);
	for (size_t n = 0; (row = completion_option(command, n)) != NULL; n++)
		printf("%s--%s", n ? " " : "", row->name);
	printf("'\n\t\tcase $prev in\n");
	for (size_t n = 0; (row = completion_option(command, n)) != NULL; n++) {
		char choices[COMPLETION_CHOICES_MAX];
		enum completion_kind kind = completion_of(command, row, choices);

		if (!row->value)
			continue;
		printf("\t\t--%s", row->name);
		if (row->letter)
			printf(" | -%c", row->letter);
		printf(") kind=%s choices='%s' ;;\n", kinds[kind], choices);
	}
	printf("\t\tesac\n\t\t;;\n");
}

void completion_bash(void)
{
	fputs(head, stdout);
	print_names();
	printf("\tcase $command in\n");
	for (size_t i = 0; commands[i]; i++)
		print_options(commands[i]);
	printf("\tesac\n");
	fputs(tail, stdout);
}
