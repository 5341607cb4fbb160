#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/twcard/explain_internal.h"

#define TEXT_MAX 64
#define NEAR_NUMBERS 64 /* further off is no neighbour */
#define SIGN_EXTENDED 0xFFFFFFFF80000000ULL

const struct explain_source *const explain_sources[] = {
	&explain_pkcs11,    &explain_status_word, &explain_pcsc, &explain_servisign,
	&explain_component, &explain_hipki,       &explain_scap, &explain_windows,
	&explain_bank,      NULL,
};

/* ---- sources and their rows ---- */

const struct explain_source *explain_source_named(const char *name)
{
	for (size_t i = 0; explain_sources[i]; i++)
		if (strcasecmp(explain_sources[i]->name, name) == 0)
			return explain_sources[i];
	return NULL;
}

const char *explain_source_name(const struct explain_source *source)
{
	return source->name;
}

const char *explain_source_title(const struct explain_source *source)
{
	return source->title;
}

bool explain_source_is_decimal(const struct explain_source *source)
{
	return source->is_decimal;
}

bool explain_nth(const struct explain_source *source, size_t n, struct explain_match *out)
{
	const struct explain_row *row;

	memset(out, 0, sizeof *out);
	out->source = source;
	if (n >= source->count)
		return source->derive && source->derive(n - source->count, out);
	row = &source->rows[n];
	out->first = out->code = row->code;
	out->last = row->last ? row->last : row->code;
	snprintf(out->name, sizeof out->name, "%s", row->name ? row->name : "");
	out->meaning = row->meaning;
	out->action = explain_action_text(row->action);
	out->rest = row->rest;
	return true;
}

/* The bits in which codes of the range can differ. */
uint32_t explain_rest(const struct explain_match *match)
{
	uint32_t mask = match->last ^ match->first;

	for (unsigned shift = 1; shift < 32; shift *= 2)
		mask |= mask >> shift;
	return match->code & mask;
}

/* ---- how a text can be read ---- */

struct readings {
	char name[TEXT_MAX]; /* the text without blanks */
	bool valid[SPELLED_COUNT];
	uint32_t value[SPELLED_COUNT];
	size_t digits;
};

/* Negative numbers and 64-bit ones are 32-bit codes with their sign drawn out. */
static bool parse_number(const char *text, int base, uint32_t *out)
{
	bool negative = base == 10 && *text == '-';
	const char *digits = text + negative;
	unsigned long long v;
	char *end;

	if (!isxdigit((unsigned char)*digits))
		return false;
	errno = 0;
	v = strtoull(digits, &end, base);
	if (*end || errno || (negative && v > 0x80000000U))
		return false;
	if (v > UINT32_MAX && v < SIGN_EXTENDED)
		return false;
	*out = negative ? -(uint32_t)v : (uint32_t)v;
	return true;
}

/* "SW", "SW1=" and "SW2:" go; what is left are digits. True: there was one. */
static bool drop_status_marks(char *text)
{
	bool found = false;
	char *at;

	while ((at = strcasestr(text, "SW")) != NULL) {
		char *end = at + 2;

		if ((*end == '1' || *end == '2') && (end[1] == '=' || end[1] == ':'))
			end++;
		if (*end == '=' || *end == ':')
			end++;
		memmove(at, end, strlen(end) + 1);
		found = true;
	}
	return found;
}

static void read_hexadecimal(struct readings *r, const char *digits, enum explain_spelling spelling)
{
	r->digits = strlen(digits);
	r->valid[spelling] = strncasecmp(digits, "0x", 2) != 0 &&
			     parse_number(digits, 16, &r->value[spelling]);
}

/* False: it is empty or too long for any code. */
static bool read_text(const char *text, struct readings *r)
{
	char digits[TEXT_MAX];
	bool as_status = false;
	size_t n = 0, prefix;

	memset(r, 0, sizeof *r);
	for (; *text; text++) {
		if (isspace((unsigned char)*text)) {
			as_status = as_status || (n > 0 && isxdigit((unsigned char)text[1]));
			continue;
		}
		if (n == TEXT_MAX - 1)
			return false;
		r->name[n++] = *text;
	}
	memcpy(digits, r->name, sizeof digits);
	as_status = drop_status_marks(digits) || as_status;
	prefix = strncasecmp(digits, "0x", 2) == 0 ? 2 : 0;
	n = strlen(digits);
	if (as_status) {
		read_hexadecimal(r, digits + prefix, SPELLED_AS_STATUS);
		r->valid[SPELLED_AS_STATUS] = r->valid[SPELLED_AS_STATUS] && r->digits == 4;
	} else if (prefix) {
		read_hexadecimal(r, digits + prefix, SPELLED_PREFIXED);
	} else if (n > 1 && tolower((unsigned char)digits[n - 1]) == 'h') {
		digits[n - 1] = '\0';
		read_hexadecimal(r, digits, SPELLED_PREFIXED);
	} else {
		r->valid[SPELLED_DECIMAL] = parse_number(digits, 10, &r->value[SPELLED_DECIMAL]);
		read_hexadecimal(r, digits, SPELLED_BARE);
	}
	return r->name[0] != '\0';
}

/* 0: the source does not take it so. */
static unsigned likelihood(const struct explain_source *source, const struct readings *r,
			   enum explain_spelling spelling)
{
	bool has_sign = spelling == SPELLED_BARE && !r->valid[SPELLED_DECIMAL];

	if (!r->valid[spelling])
		return 0;
	if (spelling == SPELLED_BARE && source->bare_digits && r->digits != source->bare_digits)
		return 0;
	/* letters among its digits say hexadecimal as well as 0x does */
	return source->likelihood[has_sign ? SPELLED_PREFIXED : spelling];
}

/* ---- looking up ---- */

/* The name, or its end after an underscore: PIN_LOCKED is CKR_PIN_LOCKED. */
static unsigned name_likelihood(const char *name, const char *text)
{
	size_t n = strlen(name), t = strlen(text);

	if (n == 0 || t == 0)
		return 0;
	if (strcasecmp(name, text) == 0)
		return 1;
	/* one word is too little: many names end with ERROR */
	return t < n && name[n - t - 1] == '_' && strchr(text, '_') &&
	       strcasecmp(name + n - t, text) == 0 ? 2 : 0;
}

static unsigned row_name_likelihood(const struct explain_source *source, size_t n,
				    const struct explain_match *m, const char *text)
{
	const char *alias = n < source->count ? source->rows[n].alias : NULL;
	unsigned found = name_likelihood(m->name, text);

	return found || !alias ? found : name_likelihood(alias, text);
}

/* In its place by likelihood, behind those with the same. */
static void insert(struct explain_match *out, size_t *count, const struct explain_match *m,
		   size_t max)
{
	size_t at = *count;

	while (at > 0 && out[at - 1].likelihood > m->likelihood)
		at--;
	if (at == max)
		return;
	if (*count == max)
		--*count;
	memmove(&out[at + 1], &out[at], (*count - at) * sizeof *out);
	out[at] = *m;
	++*count;
}

static bool matches(size_t n, const struct readings *r, struct explain_match *m)
{
	unsigned found;

	bool by_number = false;

	m->likelihood = row_name_likelihood(m->source, n, m, r->name);
	for (enum explain_spelling s = 0; s < SPELLED_COUNT; s++) {
		if (!r->valid[s] || r->value[s] < m->first || r->value[s] > m->last)
			continue;
		found = likelihood(m->source, r, s);
		if (found && (!m->likelihood || found < m->likelihood)) {
			m->likelihood = found;
			m->code = r->value[s];
			by_number = true;
		}
	}
	if (!by_number)
		m->rest = NULL;
	return m->likelihood != 0;
}

size_t explain_find(const char *text, const struct explain_source *only,
		    struct explain_match out[EXPLAIN_MATCHES_MAX])
{
	struct explain_match m;
	struct readings r;
	size_t count = 0;

	if (!read_text(text, &r))
		return 0;
	for (size_t i = 0; explain_sources[i]; i++) {
		if (only && explain_sources[i] != only)
			continue;
		for (size_t n = 0; explain_nth(explain_sources[i], n, &m); n++)
			if (matches(n, &r, &m))
				insert(out, &count, &m, EXPLAIN_MATCHES_MAX);
	}
	return count;
}

/* ---- looking for neighbours ---- */

/* How many letters must be put in, left out or replaced. */
static size_t edits(const char *a, const char *b)
{
	size_t row[EXPLAIN_NAME_MAX + 1], n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			int differ = toupper((unsigned char)a[i]) != toupper((unsigned char)b[j]);
			size_t best = corner + (size_t)differ;

			corner = row[j + 1];
			best = row[j] + 1 < best ? row[j] + 1 : best;
			row[j + 1] = corner + 1 < best ? corner + 1 : best;
		}
	}
	return row[n];
}

/* 0: not near. A smaller one is nearer. */
static unsigned name_distance(const char *name, const char *text)
{
	size_t distance;

	if (!*name || strlen(text) < 3)
		return 0;
	distance = edits(name, text);
	if (distance <= strlen(name) / 4)
		return (unsigned)distance;
	return strcasestr(name, text) ? NEAR_NUMBERS : 0;
}

static unsigned number_distance(const struct explain_match *m, const struct readings *r)
{
	unsigned nearest = 0;

	for (enum explain_spelling s = 0; s < SPELLED_COUNT; s++) {
		uint32_t v = r->value[s];
		uint32_t off = v < m->first ? m->first - v : v - m->last;

		/* where several readings are far-fetched, all numbers are near to something */
		if (likelihood(m->source, r, s) != 1 || off > NEAR_NUMBERS)
			continue;
		nearest = nearest && nearest < off ? nearest : off;
	}
	return nearest;
}

size_t explain_near(const char *text, const struct explain_source *only, struct explain_match *out,
		    size_t max)
{
	struct explain_match m;
	struct readings r;
	size_t count = 0;

	if (max == 0 || !read_text(text, &r))
		return 0;
	for (size_t i = 0; explain_sources[i]; i++) {
		if (only && explain_sources[i] != only)
			continue;
		for (size_t n = 0; explain_nth(explain_sources[i], n, &m); n++) {
			m.likelihood = number_distance(&m, &r);
			if (!m.likelihood)
				m.likelihood = name_distance(m.name, r.name);
			if (m.likelihood)
				insert(out, &count, &m, max);
		}
	}
	for (size_t i = 0; i < count; i++)
		out[i].likelihood = 0;
	return count;
}
