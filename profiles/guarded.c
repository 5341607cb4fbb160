/*
 * Files with access rules: what the PIN opens, and the issuer makes. The
 * commands are those of ISO/IEC 7816-4 and 7816-9, the same on both
 * generations but for the class and the channel (docs/PROTOCOL.md has them,
 * and how little is known of them).
 */
#include "config.h"

#include "apdu/log.h"
#include "apdu/status.h"
#include "profiles/internal.h"

#define OFFSET_MAX 0x7FFF /* UPDATE BINARY's offset has 15 bits, as READ BINARY's */
#define SIZE_AT 4         /* in the template below */
#define FILE_FID_AT 11
#define DIRECTORY_FID_AT 7

enum result guarded_send(struct card *card, const struct command *cmd, struct response *resp)
{
	if (card->profile->send_guarded)
		return card->profile->send_guarded(card, cmd, resp);
	return channel_transmit(card->channel, cmd, resp);
}

/* A command without an answer that matters. */
static enum result send_simple(struct card *card, const struct command *cmd)
{
	struct response resp = RESPONSE_INIT;
	enum result r = guarded_send(card, cmd, &resp);

	if (r == RESULT_OK)
		r = status_guarded_result(resp.sw);
	response_clear(&resp);
	return r;
}

/* ---- the commands ---- */

enum result guarded_get_challenge(struct card *card, uint8_t out[CARD_CHALLENGE_SIZE])
{
	const struct command cmd = {.cla = card->profile->cla, .ins = 0x84, .le = CARD_CHALLENGE_SIZE};
	struct response resp = RESPONSE_INIT;
	enum result r = guarded_send(card, &cmd, &resp);

	if (r == RESULT_OK)
		r = status_guarded_result(resp.sw);
	if (r == RESULT_OK && resp.data.len != CARD_CHALLENGE_SIZE)
		r = RESULT_BAD_ANSWER;
	for (size_t i = 0; r == RESULT_OK && i < CARD_CHALLENGE_SIZE; i++)
		out[i] = resp.data.data[i];
	response_clear(&resp);
	return r;
}

enum result guarded_authenticate(struct card *card, const uint8_t cryptogram[CARD_CRYPTOGRAM_SIZE])
{
	const struct command cmd = {.cla = card->profile->cla, .ins = 0x82, .data = cryptogram,
				    .len = CARD_CRYPTOGRAM_SIZE, .sensitive = true};
	struct response resp = RESPONSE_INIT;
	enum result r = guarded_send(card, &cmd, &resp);

	if (r == RESULT_OK)
		r = status_authenticate_result(resp.sw);
	response_clear(&resp);
	return r;
}

enum result guarded_update_binary(struct card *card, unsigned offset, const uint8_t *data, size_t len)
{
	const struct command cmd = {.cla = card->profile->cla, .ins = 0xD6,
				    .p1 = (uint8_t)(offset >> 8), .p2 = (uint8_t)offset,
				    .data = data, .len = len, .sensitive = true};

	return send_simple(card, &cmd);
}

static void put_u16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/*
 * ISO/IEC 7816-9 with a template of 7816-4: size, descriptor, identifier, and
 * security attributes in compact form. 20: after external authentication, 10:
 * after the PIN. Of a file: delete, update, read; of a directory: delete,
 * make files in it, delete files in it.
 */
enum result guarded_create_file(struct card *card, uint16_t fid, unsigned size)
{
	uint8_t file[] = {0x62, 0x11, 0x80, 0x02, 0x00, 0x00, 0x82, 0x01, 0x01, 0x83,
			  0x02, 0x00, 0x00, 0x8C, 0x04, 0x43, 0x20, 0x10, 0x10};
	uint8_t directory[] = {0x62, 0x0D, 0x82, 0x01, 0x38, 0x83, 0x02, 0x00,
			       0x00, 0x8C, 0x04, 0x43, 0x20, 0x20, 0x20};
	const struct command cmd = {.cla = card->profile->cla, .ins = 0xE0,
				    .data = size ? file : directory,
				    .len = size ? sizeof file : sizeof directory,
				    .fine_sw = SW_FILE_EXISTS};

	put_u16(file + SIZE_AT, size);
	put_u16(file + FILE_FID_AT, fid);
	put_u16(directory + DIRECTORY_FID_AT, fid);
	return send_simple(card, &cmd);
}

enum result guarded_delete_file(struct card *card, uint16_t fid)
{
	uint8_t data[2];
	const struct command cmd = {.cla = card->profile->cla, .ins = 0xE4, .data = data,
				    .len = sizeof data};

	put_u16(data, fid);
	return send_simple(card, &cmd);
}

/* ---- for all cards ---- */

static enum result log_change(const struct card *card, enum card_op op,
			      const struct card_path *file, enum result r)
{
	char text[PATH_TEXT];

	log_line(r == RESULT_OK ? LOG_INFO : LOG_ERROR, "%s: %s: %s: %s", card->channel->name,
		 path_text(file, text), card_op_name(op), result_text(r));
	return r;
}

/* What was done to files may have selected another one, or none. */
static enum result leave_directory(struct card *card, const struct card_path *dir, enum result r)
{
	if (r == RESULT_OK)
		files_at(card, dir);
	else
		files_forget(card);
	card->guarded = false;
	return r;
}

static enum result find_directory(struct card *card, const struct card_path *dir, bool *absent)
{
	const struct card_path above = path_parent(dir);
	enum result r = files_enter(card, &above);

	*absent = false;
	if (r != RESULT_OK)
		return r;
	r = files_enter(card, dir);
	*absent = r == RESULT_NOT_FOUND;
	return r;
}

enum result card_find_directory(struct card *card, const struct card_path *dir)
{
	enum result r = card_allow(card, OP_READ_FILE);
	bool absent = false;

	if (r != RESULT_OK)
		return r;
	card->guarded = true;
	r = find_directory(card, dir, &absent);
	if (r == RESULT_NOT_FOUND) /* one bad moment is not believed */
		r = find_directory(card, dir, &absent);
	card->guarded = false;
	return r == RESULT_NOT_FOUND && !absent ? RESULT_CARD_REFUSED : r;
}

static enum result look_for_directory(struct card *card, const struct card_path *dir)
{
	const struct card_path above = path_parent(dir);
	enum result r = files_enter(card, &above);

	if (r == RESULT_NOT_FOUND) /* of the one above */
		return RESULT_CARD_REFUSED;
	return r == RESULT_OK ? card->profile->select_child(card, dir->fid[dir->count - 1]) : r;
}

enum result card_look_for_directory(struct card *card, const struct card_path *dir)
{
	enum result r = card_allow(card, OP_READ_FILE);

	if (r != RESULT_OK)
		return r;
	card->guarded = !card_wants_pin_again(card);
	r = look_for_directory(card, dir);
	if (r == RESULT_NOT_FOUND) { /* one bad moment is not believed: again, from the root */
		files_forget(card);
		r = look_for_directory(card, dir);
	}
	return leave_directory(card, dir, r);
}

enum result card_read_guarded(struct card *card, const struct card_path *file, unsigned offset,
			      unsigned length, struct buffer *out)
{
	enum result r = card_allow(card, OP_READ_FILE);

	if (r != RESULT_OK)
		return r;
	card->guarded = true;
	r = files_read(card, file, offset, length, out);
	card->guarded = false;
	return r;
}

enum result card_update_file(struct card *card, const struct card_path *file, unsigned offset,
			     const uint8_t *data, size_t len)
{
	enum result r = card_allow(card, OP_WRITE_FILE);

	if (r != RESULT_OK)
		return r;
	if (offset > OFFSET_MAX || len > OFFSET_MAX - offset)
		return RESULT_DATA_TOO_LARGE;
	card->guarded = true;
	r = files_select(card, file);
	for (size_t done = 0; r == RESULT_OK && done < len;) {
		size_t part = len - done < CARD_BLOCK_SIZE ? len - done : CARD_BLOCK_SIZE;

		r = card->profile->update_binary(card, offset + (unsigned)done, data + done, part);
		done += part;
	}
	if (r != RESULT_OK)
		files_forget(card);
	card->guarded = false;
	return r == RESULT_OK ? r : log_change(card, OP_WRITE_FILE, file, r);
}

enum result card_get_challenge(struct card *card, const struct card_path *dir,
			       uint8_t out[CARD_CHALLENGE_SIZE])
{
	enum result r = card_allow(card, OP_CHALLENGE);

	if (r != RESULT_OK)
		return r;
	card->guarded = true;
	r = files_enter(card, dir);
	if (r == RESULT_OK)
		r = card->profile->get_challenge(card, out);
	card->guarded = false;
	return r;
}

enum result card_authenticate_issuer(struct card *card,
				     const uint8_t cryptogram[CARD_CRYPTOGRAM_SIZE])
{
	enum result r = card_allow(card, OP_AUTHENTICATE_ISSUER);

	if (r != RESULT_OK)
		return r;
	r = card->profile->authenticate_issuer(card, cryptogram);
	log_line(r == RESULT_OK ? LOG_INFO : LOG_ERROR, "%s: %s: %s", card->channel->name,
		 card_op_name(OP_AUTHENTICATE_ISSUER), result_text(r));
	return r;
}

enum result card_create_file(struct card *card, const struct card_path *file, unsigned size)
{
	const struct card_path dir = path_parent(file);
	enum result r = card_allow(card, OP_CREATE_FILE);

	if (r != RESULT_OK)
		return r;
	if (size > OFFSET_MAX || file->count == 0)
		return RESULT_ARGUMENT;
	card->guarded = true;
	r = files_enter(card, &dir);
	if (r == RESULT_OK)
		r = card->profile->create_file(card, file->fid[file->count - 1], size);
	r = leave_directory(card, &dir, r);
	return log_change(card, OP_CREATE_FILE, file, r);
}

enum result card_delete_file(struct card *card, const struct card_path *file)
{
	const struct card_path dir = path_parent(file);
	enum result r = card_allow(card, OP_DELETE_FILE);

	if (r != RESULT_OK)
		return r;
	if (file->count == 0)
		return RESULT_ARGUMENT;
	card->guarded = true;
	r = files_enter(card, &dir);
	if (r == RESULT_OK)
		r = card->profile->delete_file(card, file->fid[file->count - 1]);
	r = leave_directory(card, &dir, r);
	return log_change(card, OP_DELETE_FILE, file, r);
}
