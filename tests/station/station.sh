# shellcheck shell=bash
#
# station.sh - a signing station (docs/STATION.md) and its clients; source it
# after tests/clients/lib.sh, with pcscd_options=(--readers 8).
#
# The station is this network namespace: pcscd, eight cards, an SSH server at
# 10.47.0.1. The clients are in another one; the only way from one to the other
# is a cable between them.
#
#   make_station [MS]         cards, people, keys, server; with MS each of the two commands
#                             of a private operation takes so many milliseconds
#   start_station_card N      puts card N (1 to 8) into its reader
#   kill_station_card N       its reader's card dies, whatever it does
#   on_card N COMMAND...      with card_image, card_socket and serial of this card
#   make_client NAME N        a computer of its own that may use card N
#   as_client NAME COMMAND... runs it there, as the person
#   sign_there NAME COUNT     in the background: logs in, says ready, waits until
#                             go_on, signs; its times in $work/times.NAME, what went
#                             wrong in $work/signer.NAME
#   ready_there NAME...       waits until they have logged in
#   go_on                     all that are ready begin
#   ended_there NAME          its status
#   cut_cable / mend_cable
#
# shellcheck disable=SC2034  # the variables are for the test
# shellcheck disable=SC2154  # and others come from lib.sh

station_kinds=(person company company-attached company-clerk company-other person-other person-gen2
    company-attached-gen2)
signer=$top_builddir/tests/card/many-signatures
proxy=$(find /usr/lib /usr/lib64 -name p11-kit-proxy.so 2>/dev/null | head -n 1)
sshd=$(command -v sshd || echo /usr/sbin/sshd)
ssh_port=47810

needs p11-kit p11-kit
needs "${proxy:-p11-kit-proxy.so}" libp11-kit0
needs "$sshd" openssh-server
needs ssh openssh-client
[ -x "$signer" ] || bail "not built: $signer (make check builds it)"

# ---- cards ----------------------------------------------------------------------

declare -A station_pid=() link_pid=() station_serial=()
link_ms=

start_station_card() {
	local n=$1 port=$((35962 + $1)) i

	: >"$work/card.$n.log"
	[ -z "$link_ms" ] || start_link "$n"
	"$virtual" run "$work/station-$n.card" --control "$work/station-$n.sock" \
	    --port "$([ -z "$link_ms" ] && echo "$port" || echo $((35990 + n)))" >"$work/card.$n.log" 2>&1 </dev/null &
	station_pid[$n]=$!
	card_seen Yes $((n - 1)) || bail "card $n is not seen: $(cat "$work/card.$n.log")"
}

start_link() {
	"$top_srcdir/tests/lib/slow-link.py" --delay "$link_ms" --only EA --port $((35962 + $1)) --listen $((35990 + $1)) \
	    >"$work/link.$1" 2>&1 </dev/null &
	link_pid[$1]=$!
	wait_until grep -q '^ready' "$work/link.$1" || bail "no slow link: $(cat "$work/link.$1")"
}

kill_station_card() {
	kill -KILL "${station_pid[$1]}"
	{ wait "${station_pid[$1]}"; } 2>/dev/null
	station_pid[$1]=
	card_seen No $(($1 - 1)) || bail "pcscd still sees card $1"
}

on_card() {
	local card_image=$work/station-$1.card card_socket=$work/station-$1.sock serial=${station_serial[$1]}

	"${@:2}"
}

# With station_kinds, the keys of all cards are different.
insert_cards() {
	local n kind

	for n in "${!station_kinds[@]}"; do
		kind=${station_kinds[n]}
		n=$((n + 1))
		make_card "$kind" "station-$n"
		station_serial[$n]=$(card_field "station-$n" card_number)
		start_station_card "$n"
		on_card "$n" export_pem sign-cert
		openssl x509 -in "$work/sign-cert.pem" -noout -pubkey >"$work/key.$n" || bail "openssl x509 failed"
	done
}

# ---- the two computers, and the cable ------------------------------------------------

client_net=

lay_cable() {
	unshare --net sleep infinity &
	client_net=$!
	wait_until another_network "$client_net" &&
	    ip link add cable type veth peer name cable netns "$client_net" &&
	    ip address add 10.47.0.1/24 dev cable && ip link set cable up &&
	    in_client_net ip address add 10.47.0.2/24 dev cable && in_client_net ip link set cable up ||
	    skip_all "no second network namespace can be had here"
}

another_network() {
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

in_client_net() {
	nsenter --net="/proc/$client_net/ns/net" "$@"
}

cut_cable() {
	ip link set cable down
}

mend_cable() {
	ip link set cable up
}

# ---- the station --------------------------------------------------------------------

# What a real server has besides is the system's; here the person runs his own.
start_server_there() {
	[ -e "$home/host_key" ] || as_person ssh-keygen -q -t ed25519 -N '' -f host_key ||
	    bail "ssh-keygen made no host key"
	: >"$home/authorized_keys"
	cat >"$home/sshd_config" <<-END
	Port $ssh_port
	ListenAddress 10.47.0.1
	HostKey $home/host_key
	AuthorizedKeysFile $home/authorized_keys
	PidFile none
	StrictModes no
	UsePAM no
	LogLevel VERBOSE
	LoginGraceTime 0
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	MaxStartups 64
	ClientAliveInterval 5
	ClientAliveCountMax 3
	SetEnv XDG_RUNTIME_DIR=$home/run XDG_CACHE_HOME=$home/.cache
	END
	[ -n "${person[*]}" ] || mkdir -p /run/sshd 2>/dev/null # where root's goes
	start_server sshd "$ssh_port" ${person[@]+"${person[@]}"} "$sshd" -D -e -f "$home/sshd_config"
}

make_station() {
	link_ms=${1:-}
	use_keyset "$master_key"
	become_person
	chown -R --reference="$home" "$work/keysets"
	[ "${#person[@]}" -eq 0 ] || chmod 755 "$work"
	lay_cable
	insert_cards
	start_server_there
}

# ---- clients ------------------------------------------------------------------------

# What the processes of card N read: nothing is asked of the other readers.
card_conf() {
	local n=$(($1 - 1)) reader="Virtual PCD"

	[ "$n" -lt 2 ] || reader+=" $((n / 2))"
	reader+=" 00 0$((n % 2))"
	cat >"$work/card-$1.conf" <<-END
	reader = $reader
	keyset-dir = $work/keysets
	END
}

# A key for each client, and for each key one card: whatever the client asks for.
make_client() {
	local name=$1 there=$home/$1 serial=${station_serial[$2]} conf=$work/card-$2.conf key

	card_conf "$2"
	as_person mkdir -p "$there/.config/pkcs11/modules" || return 1
	as_person ssh-keygen -q -t ed25519 -N '' -f "$there/key" || return 1
	key=$(cat "$there/key.pub")
	cat >>"$home/authorized_keys" <<-END
	restrict,command="TWCARD_CONF=$conf p11-kit remote --provider $module pkcs11:serial=$serial" $key
	END
	printf '10.47.0.1 %s\n' "$(cut -d ' ' -f 1-2 "$home/host_key.pub")" |
	    sed "s/^/[/; s/ /]:$ssh_port /" >"$there/known_hosts"
	cat >"$there/ssh_config" <<-END
	Host station
	HostName 10.47.0.1
	Port $ssh_port
	User $person_name
	IdentityFile $there/key
	IdentitiesOnly yes
	UserKnownHostsFile $there/known_hosts
	GlobalKnownHostsFile /dev/null
	StrictHostKeyChecking yes
	BatchMode yes
	ServerAliveInterval 5
	ServerAliveCountMax 3
	END
	cat >"$there/.config/pkcs11/modules/station.module" <<-END
	remote: |ssh -F $there/ssh_config -T station
	END
	printf 'user-config: only\n' >"$there/.config/pkcs11/pkcs11.conf"
}

# Its process id is in $home/NAME/pid.
as_client() {
	local there=$home/$1

	shift
	# shellcheck disable=SC2016 # for that shell
	(cd "$there" && in_client_net env -i PATH="$PATH" LC_ALL=C.UTF-8 HOME="$there" XDG_CONFIG_HOME="$there/.config" \
	    timeout --kill-after=5 "$limit" ${person[@]+"${person[@]}"} \
	    sh -c 'echo $$ >"$HOME/pid" && exec "$@"' sh "$@")
}

kill_client() {
	kill -KILL "$(cat "$home/$1/pid")"
}

# ---- signatures ---------------------------------------------------------------------

declare -A job=()
start_input=

sign_there() {
	sign_in_background "$1" as_client "$1" "$signer" "$proxy" "$pin" SIGN "$2" times
}

# Without the cable, for comparison.
sign_here() {
	sign_in_background "$1" as_person_with_input "$signer" "$module" "$pin" SIGN "$2" times
}

sign_in_background() {
	local name=$1

	shift
	# held open for reading and writing, so that nobody waits for the other end
	[ -n "$start_input" ] || { rm -f "$work/start" && mkfifo "$work/start" && exec {start_input}<>"$work/start"; } ||
	    bail "no fifo"
	: >"$work/times.$name"
	(exec {start_input}>&- && "$@") <"$work/start" >"$work/times.$name" 2>"$work/signer.$name" &
	job[$name]=$!
}

as_person_with_input() {
	local environment

	mapfile -t environment < <(person_environment)
	env "${environment[@]}" TWCARD_DEBUG=none timeout --kill-after=5 "$limit" ${person[@]+"${person[@]}"} "$@"
}

# is_ready NAME: or it has ended.
is_ready() {
	grep -q '^ready$' "$work/times.$1" || ! kill -0 "${job[$1]}" 2>/dev/null
}

ready_there() {
	local name

	for name; do
		wait_until is_ready "$name"
		grep -q '^ready$' "$work/times.$name" && continue
		printf '%s: %s\n' "$name" "$(cat "$work/signer.$name")"
		return 1
	done
}

go_on() {
	exec {start_input}>&-
	start_input=
}

# Not in a subshell: it is this one's job.
ended_there() {
	local status=0

	wait "${job[$1]}" || status=$?
	return "$status"
}

# verified_there NAME N: its signature is one of card N.
verified_there() {
	sed -n 's/^signature //p' "$work/times.$1" | tail -n 1 | python3 -c \
	    'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' >"$work/signature.$1"
	printf 'the same message again\0' >"$work/signed"
	openssl dgst -sha256 -verify "$work/key.$2" -signature "$work/signature.$1" "$work/signed"
}

signatures_of() {
	grep -c '^[0-9]' "$work/times.$1"
}

eval "lib_$(declare -f cleanup)"

# shellcheck disable=SC2317  # called by a trap
cleanup() {
	local pid

	for pid in "${station_pid[@]}" "${link_pid[@]}" $client_net; do
		kill "$pid" 2>/dev/null
	done
	lib_cleanup
}
