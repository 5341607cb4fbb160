# shellcheck shell=bash
#
# postgresql.sh - a PostgreSQL of a test's own; source it after tap.sh.
#
#   postgresql_find            the programs are there (or skip_all with the reason)
#   postgresql_start DIRECTORY an empty cluster in the new DIRECTORY, a Unix socket and no TCP; sets
#                              $postgresql_url (superuser, database "postgres"), $postgresql_pid
#   postgresql_create NAME     an empty database more; prints its URL
#   postgresql_stop            ends it
#   postgresql_kill            the same without a word: SIGKILL
#   postgresql_serve DIRECTORY the server of a cluster that is there, after either
#
# It refuses to run as root; then it runs as a user of the system that owns nothing else.

postgresql_bin=''
postgresql_pid=''
postgresql_url=''
postgresql_as=()

postgresql_find() {
	local found

	# what libpq would take from the caller
	unset ${!PG@}
	found=$(command -v pg_config >/dev/null && pg_config --bindir)
	for postgresql_bin in "$found" $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
		[ -x "$postgresql_bin/initdb" ] && [ -x "$postgresql_bin/postgres" ] && break
		postgresql_bin=''
	done
	[ -n "$postgresql_bin" ] || skip_all "PostgreSQL's server is not installed"
	if [ "$(id -u)" -eq 0 ]; then
		id nobody >/dev/null 2>&1 && command -v setpriv >/dev/null || skip_all "root, and no user to run PostgreSQL as"
		postgresql_as=(setpriv --reuid "$(id -u nobody)" --regid "$(id -g nobody)" --clear-groups)
	fi
}

# A server is not let in while one that was killed has children yet: then it ends, and is started again.
postgresql_serve() {
	local i

	postgresql_url="postgresql:///postgres?host=$1&user=tester"
	for ((i = 0; i < 1800; i++)); do
		if [ -z "$postgresql_pid" ] || ! kill -0 "$postgresql_pid" 2>/dev/null; then
			# it goes back to the folder that it is started in, which may be closed to its user
			(cd / && exec "${postgresql_as[@]}" "$postgresql_bin/postgres" -D "$1/data" -k "$1" -c listen_addresses= \
			    -c port=5432 -c max_connections=100 -c logging_collector=off -c shared_buffers=16MB) \
			    >>"$1/log" 2>&1 </dev/null &
			postgresql_pid=$!
		fi
		"$postgresql_bin/pg_isready" -q -h "$1" -p 5432 -d postgres -U tester && return 0
		sleep 0.1
	done
	tail -n 20 "$1/log" | sed 's/^/# /'
	return 1
}

postgresql_start() {
	mkdir -p "$1" && chmod 755 "$1" || return 1
	[ "${#postgresql_as[@]}" -eq 0 ] || chown nobody "$1" || return 1
	# shellcheck disable=SC2024  # the log is ours
	(cd / && LC_ALL=C "${postgresql_as[@]}" "$postgresql_bin/initdb" -D "$1/data" -U tester -E UTF8 \
	    --locale=C -A trust --no-instructions) >"$1/log" 2>&1 || {
		tail -n 20 "$1/log" | sed 's/^/# /'
		return 1
	}
	postgresql_serve "$1"
}

postgresql_create() {
	local host=${postgresql_url#*host=}

	"$postgresql_bin/createdb" -h "${host%&*}" -p 5432 -U tester "$1" >&2 &&
		echo "postgresql:///$1?host=$host"
}

# SIGINT: "fast"; what is connected is cut off.
postgresql_stop() {
	postgresql_end INT
}

postgresql_kill() {
	postgresql_end KILL
}

# In braces: the shell has a word to say of a child that was killed.
postgresql_end() {
	[ -n "$postgresql_pid" ] || return 0
	kill "-$1" "$postgresql_pid" 2>/dev/null
	{ wait "$postgresql_pid"; } 2>/dev/null
	postgresql_pid=''
}
