/*
 * twcard status --watch: a line for each thing that happens to a reader or a
 * card. PC/SC is asked on a context of its own; no card is touched until one
 * comes.
 */
#include "config.h"

#include <string.h>
#include <time.h>

#include "src/token/readers.h"
#include "tools/twcard/message.h"
#include "tools/twcard/status.h"
#include "tools/twcard/text.h"

#define WAIT_MS 1000
#define RETRY_MS 500

struct watch {
	struct pcsc *context;
	uint32_t readers_known;
	uint32_t known[PCSC_READERS_MAX]; /* PC/SC's state of each reader, as told last */
	bool was_told;                    /* that there is no service */
};

static void pause_ms(long ms)
{
	const struct timespec step = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&step, NULL);
}

/* ---- telling ---- */

static const struct {
	const char *name, *text;
} happened[] = {
#define READER_GONE 0
	{"reader-gone", N_("the reader is gone")},
#define CARD_GONE 1
	{"no-card", N_("no card")},
#define CARD_THERE 2
	{"card", N_("card")},
};

static void tell_json(const struct status *s, int event)
{
	struct json_object *value = status_json(s);

	json_object_object_add(value, "event", json_object_new_string(happened[event].name));
	puts(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(value);
}

static void tell_person(const struct status *s, int event)
{
	const struct cert_info *holder = status_holder(s);
	const time_t now = time(NULL);
	char clock[16] = "", line[1024], *safe;
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(clock, sizeof clock, "%H:%M:%S", &tm);
	snprintf(line, sizeof line, "%s  %zu %s: %s %s %s %s", clock, s->number, s->reader,
		 s->result == RESULT_OK || s->result == RESULT_NO_CARD ? _(happened[event].text)
								       : _(result_text(s->result)),
		 s->card.number, holder ? holder->holder : "", s->name);
	safe = text_safe(line);
	puts(safe ? safe : "");
	free(safe);
}

static void tell(struct slot *slot, size_t i, uint32_t state)
{
	int event = !pcsc_reader_present(state) ? READER_GONE
		    : pcsc_card_present(state)  ? CARD_THERE
						: CARD_GONE;
	struct status s = {.number = i + 1, .reader = slot->reader, .result = RESULT_NO_CARD};

	if (event == CARD_THERE)
		status_read(slot, i + 1, &s);
	if (message_is_json())
		tell_json(&s, event);
	else
		tell_person(&s, event);
	fflush(stdout);
	status_clear(&s);
}

static void tell_news(struct watch *w)
{
	uint64_t round;

	for (size_t i = 0; i < cards_count(); i++) {
		struct slot *slot = cards_slot(i);
		uint32_t now = readers_state(slot->reader, &round);

		if (!round || !pcsc_card_changed(w->known[i], now))
			continue;
		w->known[i] = now;
		(void)slot_look(slot);
		tell(slot, i, now);
	}
}

/* ---- waiting ---- */

/* Sleeps until something may have changed. */
static enum result wait_for_change(struct watch *w)
{
	struct pcsc_watch watches[PCSC_READERS_MAX + 1];
	size_t count = 0;
	enum result r = w->context ? RESULT_OK : pcsc_open(&w->context);

	if (r != RESULT_OK)
		return r;
	watches[count++] = (struct pcsc_watch){.reader = PCSC_NEW_READERS, .known = w->readers_known};
	for (size_t i = 0; i < cards_count(); i++)
		if (w->known[i]) /* one that is away would make the call fail */
			watches[count++] = (struct pcsc_watch){.reader = cards_slot(i)->reader,
							       .known = w->known[i]};
	r = pcsc_watch(w->context, watches, count, WAIT_MS);
	w->readers_known = watches[0].seen;
	return r;
}

/* A service that ended takes its readers with it; it may come back. */
static void lose_service(struct watch *w)
{
	pcsc_close(&w->context);
	w->readers_known = 0;
	if (!w->was_told)
		message_note("%s", _(result_text(RESULT_NO_SERVICE)));
	w->was_told = true;
	pause_ms(RETRY_MS);
}

/* Ends with the signal that ends the program, or when nobody reads any more. */
enum exit_code status_watch(void)
{
	struct watch w = {.context = NULL};

	while (!ferror(stdout)) {
		enum result r = cards_look();

		tell_news(&w);
		if (r == RESULT_OK)
			r = wait_for_change(&w);
		if (r == RESULT_NO_SERVICE)
			lose_service(&w);
		else if (r == RESULT_NO_MEMORY)
			return message_result(r, NULL);
		else
			w.was_told = false;
		/* a change that is none of ours (a card in use) must not make this spin */
		if (r == RESULT_OK || r == RESULT_NO_READER)
			pause_ms(RETRY_MS / 10);
	}
	pcsc_close(&w.context);
	return EXIT_FILE;
}
