/* ServiSign, the main program: what a web page is told. */
#include "config.h"

#include "tools/twcard/explain_internal.h"
#include "tools/twcard/message.h"

static const struct explain_row rows[] = {
	{.code = 0, .name = "ServiSign_RTN_SUCCESS",
	 .meaning = N_("It worked.")},
	{.code = 61001, .name = "ServiSign_RTN_ERROR", .action = ACTION_COMPONENT,
	 .meaning = N_("A general error: the ServiSign program does not run properly.")},
	{.code = 61002, .name = "ServiSign_RTN_MEMORY_ERROR", .action = ACTION_MEMORY,
	 .meaning = N_("The computer's memory was not enough.")},
	{.code = 61003, .name = "ServiSign_RTN_NUMBER_PARSE_ERROR", .action = ACTION_SITE,
	 .meaning = N_("The page gave something that is no number where a number belongs.")},
	{.code = 61004, .name = "ServiSign_RTN_NUMBER_PARSE_EMPTY", .action = ACTION_SITE,
	 .meaning = N_("The page left a number empty that is needed.")},
	{.code = 61005, .name = "ServiSign_RTN_INVALID_PARAM", .action = ACTION_SITE,
	 .meaning = N_("The page called the component with a wrong name or wrong parameters.")},
	{.code = 61006, .name = "ServiSign_RTN_CONNECTION_ERROR", .action = ACTION_CONNECT,
	 .meaning = N_("The page cannot connect to ServiSign: it is not installed or does not "
			    "run, a port is wrong, TLS is too old, or the browser does not trust its "
			    "certificate.")},
	{.code = 61007, .name = "ServiSign_RTN_LIB_EXPIRE", .action = ACTION_TRIAL,
	 .meaning = N_("The component is a trial version whose time is over.")},
	{.code = 61008, .name = "ServiSign_RTN_InsecureConnection", .action = ACTION_TLS,
	 .meaning = N_("The browser connects to ServiSign with a TLS version that is too old "
			    "(1.0).")},
	{.code = 61009, .name = "ServiSign_RTN_OUT_OF_PATHTABLE", .action = ACTION_REINSTALL,
	 .meaning = N_("The path number of the page is not in ServiSign's table: page and "
			    "component do not fit together.")},
	{.code = 61010, .name = "ServiSign_RTN_KeepAliveRunning", .action = ACTION_WAIT,
	 .meaning = N_("ServiSign is busy with another request.")},
	{.code = 61011, .name = "ServiSign_RTN_ComponentException", .action = ACTION_SUPPORT,
	 .meaning = N_("The component below ServiSign failed while it worked.")},
	{.code = 61012, .name = "ServiSign_RTN_UnidentifiedConnection", .action = ACTION_SITE,
	 .meaning = N_("ServiSign does not know what the connection is for: needed parameters are "
			    "missing.")},
	{.code = 61013, .name = "ServiSign_RTN_IllegalFilePath", .action = ACTION_SITE,
	 .meaning = N_("The page named a file or path that ServiSign does not allow.")},
	{.code = 61014, .name = "ServiSign_RTN_UseProxy", .action = ACTION_PROXY,
	 .meaning = N_("The browser sends what is meant for this computer through a proxy.")},
	{.code = 61015, .name = "ServiSign_RTN_Disconnect", .action = ACTION_COMPONENT,
	 .meaning = N_("ServiSign's connection broke: the component below it has crashed.")},
	{.code = 61016, .name = "ServiSign_RTN_JsonKeyNotFound", .action = ACTION_SITE,
	 .meaning = N_("ServiSign did not find a parameter in the page's request.")},
	{.code = 61017, .name = "ServiSign_RTN_SessionTimeout", .action = ACTION_FASTER,
	 .meaning = N_("The ServiSign session has run out of time.")},
	{.code = 61102, .name = "ServiSign_RTN_METHOD_NOT_IN_WHITE_LIST", .action = ACTION_SITE,
	 .meaning = N_("The page called a method that the site's component does not allow.")},
	{.code = 61103, .name = "ServiSign_RTN_METHOD_NOT_IN_CLASS", .action = ACTION_SITE,
	 .meaning = N_("The page called a method that its class does not have.")},
	{.code = 61104, .name = "ServiSign_RTN_CLASS_NOT_IN_JAR", .action = ACTION_SITE,
	 .meaning = N_("The page named a class that the component does not have.")},
	{.code = 61105, .name = "ServiSign_RTN_SERVISIGN_TIMEOUT", .action = ACTION_FASTER,
	 .meaning = N_("The component took longer than the page waits, for example while somebody "
			    "typed.")},
	{.code = 61201, .name = "ServiSign_JS_LIB_VERSION_FORMAT_ERROR", .action = ACTION_SITE,
	 .meaning = N_("The page states the component's version in a wrong form.")},
	{.code = 61202, .name = "ServiSign_JS_VERSION_FORMAT_ERROR", .alias = "ServiSign_JS_VERSION_ERROR",
	 .action = ACTION_SITE,
	 .meaning = N_("The page states ServiSign's version in a wrong form.")},
	{.code = 61203, .name = "ServiSign_JS_SERVISIGN_VERSION_ERROR",
	 .action = ACTION_REINSTALL,
	 .meaning = N_("ServiSign is older than the page wants.")},
	{.code = 61204, .name = "ServiSign_JS_LIB_VERSION_ERROR", .action = ACTION_REINSTALL,
	 .meaning = N_("The component is older than the page wants.")},
	{.code = 61902, .name = "ServiSign_RTN_LIBFILE_NOT_FOUND", .action = ACTION_REINSTALL,
	 .meaning = N_("ServiSign could not load the site's component.")},
	{.code = 61904, .name = "ServiSign_RTN_BAD_NETPATH", .action = ACTION_LOCAL,
	 .meaning = N_("The request did not come from this computer.")},
	{.code = 61905, .name = "ServiSign_RTN_NOT_INITIALIZED", .action = ACTION_RESTART,
	 .meaning = N_("The component could not start, often because an earlier one did not end "
			    "and keeps the port.")},
	{.code = 61906, .name = "ServiSign_RTN_ACCESS_DENIED", .action = ACTION_RIGHTS,
	 .meaning = N_("The component may not be started: rights to its folder are missing.")},
	{.code = 61908, .name = "ServiSign_RTN_INITCODE_NOT_AUTHORIZE",
	 .action = ACTION_SITE_ADDRESS,
	 .meaning = N_("The component is not made for the address of this site.")},
	{.code = 66001, .action = ACTION_REINSTALL,
	 .meaning = N_("ServiSign is not properly installed.")},
};

const struct explain_source explain_servisign = {
	.name = "servisign",
	.title = N_("ServiSign"),
	.rows = rows,
	.count = sizeof rows / sizeof *rows,
	.likelihood = {1, 4, 0, 0},
	.is_decimal = true,
};
