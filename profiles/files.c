#include "config.h"

#include "apdu/cursor.h"
#include "apdu/log.h"
#include "apdu/status.h"
#include "profiles/internal.h"

#define READ_SIZE_PROVEN 200  /* facts: transport rules, observed */
#define FILE_MAX 0x8000       /* READ BINARY's offset has 15 bits */
#define SHORT_READS_MAX 64    /* answers below SHORT_READ in one file: more is a card that plays */
#define SHORT_READ 16
#define GROW_AFTER 16         /* whole answers of the smaller size; four times as many each time */
#define GROW_LATER 4
#define GROW_NEVER (1u << 20)

const struct card_path path_keys = {2, {FID_PKI, FID_KEYS}};
const struct card_path path_public_keys = {3, {FID_PKI, FID_KEYS, FID_PUBLIC_KEYS}};

void files_forget(struct card *card)
{
	card->known = false;
}

void files_at(struct card *card, const struct card_path *dir)
{
	card->current = *dir;
	card->known = true;
	card->file = 0;
	card->file_size = 0;
	card->selected_guarded = card->guarded;
	card->at_keys = dir->count == path_keys.count && path_starts_with(dir, &path_keys);
}

/* It is known what is selected, and the commands at hand meet it. */
static bool is_known(const struct card *card)
{
	return card->known && card->selected_guarded == card->guarded;
}

enum result files_enter(struct card *card, const struct card_path *dir)
{
	enum result r = RESULT_OK;
	int from = 0;

	card->at_keys = false;
	if (is_known(card) && path_starts_with(dir, &card->current)) {
		from = card->current.count;
	} else {
		card->known = false;
		r = card->profile->select_root(card);
	}
	for (int i = from; r == RESULT_OK && i < dir->count; i++)
		r = card->profile->select_child(card, dir->fid[i]);
	if (r == RESULT_OK)
		files_at(card, dir);
	else
		card->known = false;
	return r;
}

/*
 * An elementary file of the directory that is selected. A warning, and nothing
 * with it, may be this card's way (facts: gen 2, "62xx is fine"), or the file
 * of before is still selected and would be read in its place: asked once more.
 */
static enum result select_leaf(struct card *card, uint16_t fid)
{
	enum result r;

	card->warned = false;
	r = card->profile->select_child(card, fid);
	if (r != RESULT_OK || !card->warned || card->warns)
		return r;
	r = card->profile->select_child(card, fid);
	card->warns = r == RESULT_OK && card->warned;
	return r;
}

/* *absent: the directory above was entered, and the card says that it has no such file. */
static enum result select_file(struct card *card, const struct card_path *file, bool *absent)
{
	struct card_path dir = path_parent(file);
	uint16_t fid;
	enum result r;

	*absent = false;
	if (file->count == 0)
		return RESULT_ARGUMENT;
	fid = file->fid[file->count - 1];
	if (is_known(card) && card->file == fid && card->current.count == dir.count &&
	    path_starts_with(&card->current, &dir))
		return RESULT_OK;
	r = files_enter(card, &dir);
	if (r == RESULT_OK) {
		r = select_leaf(card, fid);
		*absent = r == RESULT_NOT_FOUND;
	}
	if (r == RESULT_OK)
		card->file = fid;
	else
		files_forget(card);
	return r;
}

enum result files_select(struct card *card, const struct card_path *file)
{
	bool absent;

	return select_file(card, file, &absent);
}

/*
 * "There is no such file" is asked for twice, the second time from the root,
 * and is RESULT_NOT_FOUND then; of another file on the way it is a refusal.
 */
static enum result select_or_miss(struct card *card, const struct card_path *file)
{
	bool absent;
	enum result r = select_file(card, file, &absent);

	if (absent)
		r = select_file(card, file, &absent);
	return r == RESULT_NOT_FOUND && !absent ? RESULT_CARD_REFUSED : r;
}

/* The size of the reads that follow, until the card has shown that it takes them. */
static void shrink_reads(struct card *card, unsigned size)
{
	card->read_size = size;
	card->full_reads = 0;
	card->grow_after = card->grow_after ? card->grow_after * GROW_LATER : GROW_AFTER;
	if (card->grow_after > GROW_NEVER)
		card->grow_after = GROW_NEVER;
}

/* A limit that was a bad moment is gone after a while; a real one costs few commands more. */
static void count_full_read(struct card *card)
{
	if (card->read_size >= card->read_max || ++card->full_reads < card->grow_after)
		return;
	card->read_size = card->read_max;
	card->full_reads = 0;
}

/*
 * One READ BINARY of at most `want` bytes, appended to out; *got may be less.
 * No bytes and RESULT_OK: the file ends here. How cards answer a read past the
 * end is not known: 6B00, 6282, 6Cxx, 6700 and short data are all understood.
 */
static enum result read_block(struct card *card, unsigned offset, unsigned want, struct buffer *out,
			      unsigned *got)
{
	struct response resp = RESPONSE_INIT;
	struct command cmd = {.cla = card->profile->cla,
			      .ins = 0xB0,
			      .p1 = (uint8_t)(offset >> 8),
			      .p2 = (uint8_t)offset,
			      .sensitive = card->guarded};
	enum result r;

	*got = 0;
	for (cmd.le = want < card->read_size ? want : card->read_size;;) {
		r = card->guarded ? guarded_send(card, &cmd, &resp)
				  : channel_transmit(card->channel, &cmd, &resp);
		if (r != RESULT_OK)
			break;
		if (resp.sw == SW_OK || resp.sw == 0x6282) {
			r = resp.data.len > cmd.le ? RESULT_BAD_ANSWER
						   : buffer_append(out, resp.data.data, resp.data.len);
			*got = (unsigned)resp.data.len;
			break;
		}
		r = card->guarded ? status_guarded_result(resp.sw) : status_result(resp.sw);
		if (r == RESULT_END_OF_FILE && offset > 0) {
			r = RESULT_OK;
			break;
		}
		if (r != RESULT_WRONG_LENGTH)
			break;
		if (cmd.le > READ_SIZE_PROVEN) { /* facts: fall back to 200, remember it */
			cmd.le = READ_SIZE_PROVEN;
			shrink_reads(card, cmd.le);
		} else if (cmd.le > 1) { /* perhaps only the end of the file is near */
			cmd.le /= 2;
		} else {
			r = RESULT_OK;
			break;
		}
	}
	response_clear(&resp);
	return r;
}

/* The state of reading one file from front to back. */
struct reading {
	unsigned offset;     /* of the next byte */
	unsigned short_reads;
	unsigned last_short; /* bytes of the last answer that had any, if it was short; else 0 */
	bool empty;          /* the last answer had no bytes */
	bool ended;
};

/*
 * What the size of an answer means. The file's end is believed when two
 * answers say so: a short one and an empty one, or two empty ones; and a limit
 * of the card when two in a row stop at it.
 */
static void note_answer(struct card *card, struct reading *at, unsigned asked, unsigned got)
{
	if (got == 0) {
		at->ended = at->last_short || at->empty ||
			    (card->file_size && at->offset >= card->file_size);
		at->empty = true;
		return;
	}
	if (got == card->read_size)
		count_full_read(card);
	else if (got < asked && got == at->last_short && got >= SHORT_READ)
		shrink_reads(card, got);
	at->last_short = got < asked ? got : 0;
	at->empty = false;
	at->offset += got;
	at->ended = at->offset >= FILE_MAX; /* whoever wants more must hear of it */
}

/* In a channel, where 6700 would be its end, not more than what is known to work. */
static unsigned most_at_once(const struct card *card)
{
	bool careful = card->guarded && card->profile->send_guarded;

	return careful && card->read_size > READ_SIZE_PROVEN ? READ_SIZE_PROVEN : card->read_size;
}

/* Appends up to `want` more bytes. */
static enum result read_more(struct card *card, struct reading *at, unsigned want,
			     struct buffer *out)
{
	while (want && !at->ended) {
		unsigned most = most_at_once(card), asked = want < most ? want : most, got;
		unsigned known = card->file_size > at->offset ? card->file_size - at->offset : asked;
		enum result r;

		/* not past the end that the card told; beyond it, the card is asked all the same */
		asked = asked < known ? asked : known;
		r = read_block(card, at->offset, asked, out, &got);
		if (r != RESULT_OK)
			return r;
		note_answer(card, at, asked, got);
		want -= got;
		if (got && got < asked && got < SHORT_READ && ++at->short_reads > SHORT_READS_MAX)
			return RESULT_BAD_ANSWER;
	}
	return RESULT_OK;
}

enum result files_read(struct card *card, const struct card_path *file, unsigned offset,
		       unsigned length, struct buffer *out)
{
	struct reading at = {.offset = offset};
	size_t before = out->len;
	char text[PATH_TEXT];
	enum result r;

	if (offset >= FILE_MAX || length > FILE_MAX - offset) {
		log_line(LOG_ERROR, "%s: bytes %u to %u cannot be in a file of a card",
			 path_text(file, text), offset, offset + length);
		return RESULT_END_OF_FILE;
	}
	r = files_select(card, file);
	if (r == RESULT_OK)
		r = read_more(card, &at, length, out);
	if (r == RESULT_OK && out->len - before < length)
		r = RESULT_END_OF_FILE;
	if (r != RESULT_OK) {
		log_line(LOG_ERROR, "%s: %zu of %u bytes read from offset %u: %s",
			 path_text(file, text), out->len - before, length, offset, result_text(r));
		buffer_truncate(out, before);
	}
	return r;
}

enum result files_read_start(struct card *card, const struct card_path *file, unsigned most,
			     struct buffer *out)
{
	struct reading at = {0};
	enum result r = files_select(card, file);

	return r == RESULT_OK ? read_more(card, &at, most, out) : r;
}

/*
 * The last two bytes of a directory file hold the content's length, little-
 * endian. Without any padding before them they look like a torn record.
 */
static bool is_length_trailer(const struct buffer *b, size_t start, size_t content)
{
	const uint8_t *end = b->data + start + content;

	return b->len - start - content == 2 && (size_t)(end[0] | end[1] << 8) == content;
}

enum result files_read_directory(struct card *card, const struct card_path *file,
				 struct buffer *out)
{
	struct reading at = {0};
	size_t before = out->len, content = 0, need = 0;
	enum p15_scan scan = P15_MORE;
	char text[PATH_TEXT];
	bool selected;
	enum result r;

	r = buffer_reserve(out, 1); /* there are bytes to point at, also if nothing comes */
	if (r == RESULT_OK)
		r = select_or_miss(card, file);
	selected = r == RESULT_OK;
	while (r == RESULT_OK && scan == P15_MORE && !at.ended && need < FILE_MAX) {
		size_t missing = need - (out->len - before);

		/* a whole block costs hardly more than its first byte */
		r = read_more(card, &at,
			      missing > card->read_size ? (unsigned)missing : card->read_size, out);
		if (r == RESULT_OK)
			scan = p15_scan(out->data + before, out->len - before, &content, &need);
	}
	if (r == RESULT_OK && out->len == before) /* not even padding: no directory says that */
		r = RESULT_END_OF_FILE;
	if (selected && r == RESULT_NOT_FOUND) /* said of a file that is there */
		r = RESULT_CARD_REFUSED;
	if (r == RESULT_OK && content + before < out->len && scan != P15_COMPLETE &&
	    !is_length_trailer(out, before, content)) {
		log_line(LOG_ERROR, "%s: torn directory: the record at offset %zu does not fit the "
			 "file (%zu bytes read)", path_text(file, text), content, out->len - before);
		r = RESULT_BAD_DATA;
	}
	buffer_truncate(out, r == RESULT_OK ? before + content : before);
	return r;
}

enum result files_read_object(struct card *card, const struct card_path *file, struct buffer *out)
{
	struct reading at = {0};
	size_t before = out->len, need = 0;
	struct tlv tlv;
	enum result r;

	r = buffer_reserve(out, 1);
	if (r == RESULT_OK)
		r = files_select(card, file);
	if (r == RESULT_OK)
		r = read_more(card, &at, card->read_size, out);
	while (r == RESULT_OK && !at.ended) {
		struct cursor c = cursor_of(out->data + before, out->len - before);
		enum tlv_state state = cursor_tlv(&c, &tlv, &need);

		if (state == TLV_OK && tlv.tag != 0) {
			buffer_truncate(out, before + tlv.size);
			return RESULT_OK;
		}
		if (state != TLV_MORE || need > FILE_MAX)
			need = FILE_MAX; /* no TLV: all of it */
		r = read_more(card, &at, (unsigned)(need - (out->len - before)), out);
	}
	if (r != RESULT_OK)
		buffer_truncate(out, before);
	return r;
}
