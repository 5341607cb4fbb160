/* What a page says of the local service that it wants, and what a picture says: read, whatever is in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/twcard/agent_page.h"
#include "tools/twcard/agent_probe.h"

static struct agent_page read_page(const char *text)
{
	struct agent_page page = {.port = 0};

	agent_page_read(&page, text, strlen(text));
	return page;
}

static bool names(const char *const *list, const bool *has, const char *name)
{
	for (size_t i = 0; list[i]; i++)
		if (strcmp(list[i], name) == 0)
			return has[i];
	return false;
}

static void test_a_page_names_its_service(void **state)
{
	struct agent_page page = read_page("var target='http://localhost:61161/popupForm';f({func:\"MakeSignature\"})");

	(void)state;
	assert_int_equal(page.port, 61161);
	assert_true(names(agent_page_paths, page.paths, "/popupForm"));
	assert_false(names(agent_page_paths, page.paths, "/p11Image.bmp"));
	assert_true(names(agent_page_functions, page.functions, "MakeSignature"));
	assert_false(names(agent_page_functions, page.functions, "DecryptData"));
	assert_false(page.servisign);
	/* what one text has named stays when another is added */
	agent_page_read(&page, "ServiSign 127.0.0.1:1", strlen("ServiSign 127.0.0.1:1"));
	assert_int_equal(page.port, 61161);
	assert_true(page.servisign);
	assert_true(names(agent_page_functions, page.functions, "MakeSignature"));
}

static void test_odd_ports_are_none(void **state)
{
	static const struct {
		const char *text;
		unsigned port;
	} rows[] = {
		{"", 0}, {"localhost", 0}, {"localhost:", 0}, {"localhost:x", 0}, {"localhost:65536", 0},
		{"localhost:99999999999999999999999", 0}, {"127.0.0.1:16888/x", 16888}, {"localhost:1", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(read_page(rows[i].text).port, rows[i].port);
}

static void test_scripts_are_those_of_its_own_server(void **state)
{
	static const char text[] =
		"<script>x</script><SCRIPT src='/a.js'></SCRIPT><script defer src=\"b.js?v=1\"></script>"
		"<script src='https://s.tw/c.js'></script><script src='https://other.tw/d.js'></script>"
		"<script src='//other.tw/e.js'></script><script src=f.js></script><script src='a b.js'></script>"
		"<script src=''></script><script src='\x1b[31m.js'></script><script src='https://s.tw.evil/g.js'></script>"
		"<script src='g.js'></script><script src='h.js";
	static const char *const expected[] = {"/a.js", "/dir/b.js?v=1", "/c.js", "/dir/g.js"};
	char path[64];
	size_t at = 0;

	(void)state;
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		assert_true(agent_page_script(text, "https://s.tw", "/dir/page.html", &at, path, sizeof path));
		assert_string_equal(path, expected[i]);
	}
	assert_false(agent_page_script(text, "https://s.tw", "/dir/page.html", &at, path, sizeof path));
	/* one that does not fit is none */
	at = 0;
	assert_false(agent_page_script("<script src='/long.js'>", "https://s.tw", "/", &at, path, 5));
}

static void test_a_picture_is_read_as_pages_do(void **state)
{
	unsigned char image[6100] = "BM";
	char *text;

	(void)state;
	memcpy(image + 54, "{} ", 3);
	text = agent_probe_picture(image, sizeof image);
	assert_string_equal(text, "{} ");
	free(text);
	memset(image + 54, 'x', sizeof image - 54);
	text = agent_probe_picture(image, sizeof image);
	assert_int_equal(strlen(text), 6000);
	free(text);
	text = agent_probe_picture(image, 57);
	assert_string_equal(text, "xxx");
	free(text);
	assert_null(agent_probe_picture(image, 54));
	assert_null(agent_probe_picture("BM", 2));
	assert_null(agent_probe_picture("", 0));
	image[0] = 'G';
	assert_null(agent_probe_picture(image, sizeof image));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_page_names_its_service),
		cmocka_unit_test(test_odd_ports_are_none),
		cmocka_unit_test(test_scripts_are_those_of_its_own_server),
		cmocka_unit_test(test_a_picture_is_read_as_pages_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
