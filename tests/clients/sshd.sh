# shellcheck shell=bash
#
# sshd.sh - an SSH server of the person's own, for tests that log in to it;
# source it after lib.sh.
#
#   start_sshd       listens at $ssh_port, and takes the card's signing key
#   stop_sshd
#   $home/ssh_config is what ssh -F wants
#
# shellcheck disable=SC2154  # home and so on are lib.sh's

ssh_port=47810
sshd=$(command -v sshd || echo /usr/sbin/sshd)

start_sshd() {
	[ -e "$home/host_key" ] || as_person ssh-keygen -q -t ed25519 -N '' -f host_key ||
	    bail "ssh-keygen made no host key"
	ssh-keygen -i -m PKCS8 -f "$home/sign.pub" >"$home/authorized_keys"
	printf '[localhost]:%d %s\n' "$ssh_port" "$(cut -d ' ' -f 1-2 "$home/host_key.pub")" >"$home/known_hosts"
	cat >"$home/sshd_config" <<-END
	Port $ssh_port
	ListenAddress 127.0.0.1
	HostKey $home/host_key
	AuthorizedKeysFile $home/authorized_keys
	PidFile none
	StrictModes no
	UsePAM no
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	LoginGraceTime 0
	LogLevel VERBOSE
	END
	cat >"$home/ssh_config" <<-END
	Host localhost
	Port $ssh_port
	User $person_name
	AddressFamily inet
	UserKnownHostsFile $home/known_hosts
	GlobalKnownHostsFile /dev/null
	StrictHostKeyChecking yes
	IdentityFile none
	END
	[ -n "${person[*]}" ] || mkdir -p /run/sshd 2>/dev/null # where root's goes
	start_server sshd "$ssh_port" ${person[@]+"${person[@]}"} "$sshd" -D -e -f "$home/sshd_config"
}

stop_sshd() {
	stop_server sshd
}
