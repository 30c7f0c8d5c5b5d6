# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The main job as test/try shows it: what an administrator does with berth on an ordinary day.

heading "Import an image"
step 'berthctl import debian.tar --alias trixie'
step_prints trixie 'berthctl list-images'

heading "Run a container"
step 'berthctl launch trixie web1'
step_prints web1 'berthctl list'
step_prints web1 'machinectl list'
step_prints running 'systemctl -M web1 is-system-running'
step 'systemctl status berth@web1 berth-web1.scope'
step_prints web1 'systemd-cgls --no-pager /machine.slice'
step 'berthctl status web1'

heading "Work with it"
step 'journalctl -M web1 -n 3 --no-pager'
step 'machinectl shell web1 /bin/true'
step 'echo hello >FILE; machinectl copy-to web1 FILE /root/F'
step_prints hello 'berthctl exec web1 -- cat /root/F'
step_prints 7 "berthctl exec web1 -- sh -c 'exit 7' ; echo \$?"
step 'berthctl exec web1 -- cat /proc/self/uid_map'
step 'berthctl launch trixie web2'
step 'berthctl exec web2 -- cat /proc/self/uid_map'
step 'berthctl delete --force web2'
step 'berthctl exec web1 -- systemd-run --quiet --scope -p MemoryMax=50M true'
step 'berthctl freeze web1'
step_prints frozen 'berthctl list'
step 'berthctl thaw web1'

heading "The manager can go at any time"
step 'kill -9 $(systemctl show --property=MainPID --value berth-containerd)'
step_prints web1 'berthctl list'
step_prints running 'systemctl -M web1 is-system-running'
step 'systemctl daemon-reexec'
step_prints web1 'berthctl list'

heading "machinectl's way to reboot, power off and terminate"
leader=$(in_host root 'machinectl show web1 --property=Leader --value')
step 'machinectl reboot web1'
wait_while 60 "$leader" 'machinectl show web1 --property=Leader --value || echo none'
wait_for 60 running 'systemctl -M web1 is-system-running'
step 'machinectl poweroff web1'
wait_for 60 stopped 'berthctl list'
step 'berthctl start web1'
step 'machinectl terminate web1'
wait_for 60 stopped 'berthctl list'

heading "systemctl's way"
step 'systemctl start berth@web1'
step_prints running 'systemctl -M web1 is-system-running'
step 'systemctl set-property --runtime berth-web1.scope CPUWeight=50'
step 'systemctl restart berth@web1'
step_prints active 'systemctl is-active berth@web1'

heading "Start at boot"
step 'systemctl enable berth@web1'
printf '\n# reboot\n'
"$HOST" reboot "$NAME"
wait_for 60 running 'systemctl -M web1 is-system-running'

heading "What an unprivileged user may do: nothing yet"
refused 'berthctl stop web1'
refused 'berthctl delete --force web1'
refused 'berthctl exec web1 -- true'
refused 'berthctl launch trixie mine'

heading "Get rid of it"
step 'berthctl stop web1'
step 'berthctl disable web1'
step 'berthctl delete web1'
step 'berthctl remove-image trixie'
step 'berthctl list; berthctl list-images'
step_prints 0 "systemctl list-units --all --plain --no-legend 'berth@*' 'berth-*.scope' | wc -l"
step_prints 0 'find /var/lib/berth/images /var/lib/berth/containers /var/lib/berth/uid-leases -mindepth 1 | wc -l'
