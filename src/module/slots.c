#include "config.h"

#include <string.h>

#include "apdu/log.h"
#include "apdu/pcsc.h"
#include "src/base/config_file.h"
#include "src/base/rv.h"
#include "src/module/internal.h"
#include "src/module/slots.h"
#include "src/token/readers.h"

static bool has_slot(const char *reader)
{
	for (size_t i = 0; i < module.slot_count; i++)
		if (strcmp(module.slots[i]->reader, reader) == 0)
			return true;
	return false;
}

/* Nothing is asked of the others, and no context is opened for them. */
static bool wanted(const char *reader)
{
	return strstr(reader, config_current()->reader) != NULL;
}

/* With the slots' lock: adds a slot for the reader, unless it has one. */
static enum result add_reader(const char *reader, uint32_t state, bool report)
{
	size_t id = module.slot_count;
	struct slot *slot;
	enum result r;

	if (has_slot(reader) || id == SLOTS_MAX)
		return RESULT_OK;
	r = slot_new(id, reader, state, &slot);
	if (r != RESULT_OK)
		return r;
	slot->reported = report ? 0 : state;
	module.slots[id] = slot;
	atomic_store(&module.slot_count, id + 1);
	return RESULT_OK;
}

CK_RV slots_rescan(bool report_new)
{
	struct pcsc_readers readers;
	enum result r = readers_list(&readers);
	uint64_t round;

	if (r != RESULT_OK) {
		log_line(LOG_INFO, "no readers: %s", result_text(r));
		return r == RESULT_NO_MEMORY ? CKR_HOST_MEMORY : CKR_OK;
	}
	if (!readers.count)
		log_line(LOG_INFO, "no reader is connected");
	for (size_t i = 0; i < readers.count && r == RESULT_OK; i++) {
		uint32_t state;

		if (!wanted(readers.names[i]))
			continue;
		state = readers_state(readers.names[i], &round);
		pthread_mutex_lock(&module.slots_lock);
		r = add_reader(readers.names[i], state, report_new);
		pthread_mutex_unlock(&module.slots_lock);
	}
	pcsc_readers_clear(&readers);
	return rv_of(r);
}

size_t slots_count(void)
{
	return atomic_load(&module.slot_count);
}

struct slot *slots_find(CK_SLOT_ID id)
{
	return id < slots_count() ? module.slots[id] : NULL;
}

/* What a slot holds is not asked: one whose reader hangs is listed like any other. */
CK_RV slots_ids(bool with_card, CK_SLOT_ID *ids, CK_ULONG *count)
{
	CK_ULONG room = ids ? *count : 0, found = 0; /* not set by who only counts */
	size_t slots = slots_count();
	uint64_t round;

	for (size_t i = 0; i < slots; i++) {
		const struct slot *slot = slots_find(i);
		uint32_t state;

		if (!slot) /* C_Finalize did not wait for us */
			break;
		state = with_card ? readers_state(slot->reader, &round) : 0;
		if (with_card && !(pcsc_reader_present(state) && pcsc_card_present(state)))
			continue;
		if (ids && found < room)
			ids[found] = i;
		found++;
	}
	*count = found;
	return ids && found > room ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}
