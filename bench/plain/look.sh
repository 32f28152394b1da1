# What a host is after a run, a fact a line: files with rights and content, kernel, packages, mount, units.
files="/etc/apt/sources.list.d /etc/apt/apt.conf.d /etc/apt/keyrings /etc/ssh/sshd_config.d /etc/sudoers.d
    /etc/nftables.conf /etc/chrony /etc/systemd/journald.conf.d /etc/systemd/system /etc/hosts /etc/hostname /etc/issue
    /etc/issue.net /etc/security/limits.d /etc/profile.d /etc/modprobe.d /etc/tmpfiles.d /etc/greenfield /etc/etcd
    /etc/default/prometheus-node-exporter /etc/ssl/certs/ca-certificates.crt /usr/local /opt/etcd"
# What etcd's unit writes when it starts, and what the lab itself lays down, is not configuration.
find $files \( -type f -o -type l \) 2>/dev/null | grep -vE '/(last-start|started|permit)$|/greenfield-lab/' | sort | while read -r file; do
    echo "$file $(stat -c '%a %U %G' "$file") $(sha256sum < "$file")"
done
stat -c '%n %a %U %G' /etc/etcd/*/pki /data /data/* /etc/cron.d /etc/cron.daily /etc/shadow /etc/ssh/sshd_config 2>/dev/null
getent passwd etcd | cut -d: -f1,6,7
grep -v '^#' /etc/sysctl.d/60-greenfield.conf | sort
sed -n 's/^-\?\([^ ]*\) =.*/\1/p' /etc/sysctl.d/60-greenfield.conf | sort | while read -r key; do
    echo "$key is $(sysctl -en "$key" 2>/dev/null)"
done
dpkg-query -W -f '${Package} ${Version}\n'
findmnt -no TARGET,FSTYPE,OPTIONS /data
systemctl list-unit-files --no-legend --state=enabled,masked | awk '{print $1, $2}'
systemctl list-units --no-legend --plain --state=active chrony.service nftables.service ssh.service \
    prometheus-node-exporter.service 'greenfield-etcd-*' | awk '{print $1, $3, $4}'
