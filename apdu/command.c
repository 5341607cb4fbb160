#include "config.h"

#include "apdu/command.h"

enum result command_encode(const struct command *cmd, struct buffer *out)
{
	uint8_t head[5] = {cmd->cla, cmd->ins, cmd->p1, cmd->p2, 0};
	size_t start = out->len;
	enum result r;

	if (cmd->len > COMMAND_MAX_DATA || cmd->le > COMMAND_MAX_LE || (cmd->len && !cmd->data))
		return RESULT_ARGUMENT;
	head[4] = (uint8_t)cmd->len;
	r = buffer_append(out, head, cmd->len ? 5 : 4);
	if (r == RESULT_OK)
		r = buffer_append(out, cmd->data, cmd->len);
	if (r == RESULT_OK && cmd->le)
		r = buffer_append_u8(out, (uint8_t)cmd->le); /* 256 becomes 00 */
	if (r != RESULT_OK)
		buffer_truncate(out, start);
	return r;
}
