/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/foreign.h"

#include <string.h>

#include "basic/strv.h"
#include "unit.h"

typedef int (*parse_t)(Foreign *f, const void *data, size_t size, char **ret_error);

static bool only_br0(const char *name) {
        return streq(name, "br0");
}

/* One line each: settings, keys that are left out, notes. */
static void assert_parsed(parse_t parse, const char *text, const char *settings, const char *left_out, unsigned notes) {
        _cleanup_free_ char *error = NULL, *a = NULL, *b = NULL;
        Foreign f = { .has_interface = only_br0 };

        ck_assert_msg(parse(&f, text, strlen(text), &error) == 0, "%s: %s", text, error);
        ck_assert_int_eq(strv_join(f.settings, "\n", &a), 0);
        ck_assert_int_eq(strv_join(f.left_out, " ", &b), 0);
        ck_assert_str_eq(a, settings);
        ck_assert_str_eq(b, left_out);
        ck_assert_uint_eq(strv_length(f.notes), notes);
        foreign_done(&f);
}

/* As lxc-create of Debian 12 writes it for the template "download", and what an administrator puts below. */
START_TEST(lxc) {
        /* The second is none that there is: what is said of that is nobody's. */
        assert_parsed(foreign_parse_lxc, "lxc.cap.drop = sys_time\nlxc.cap.drop = no_such\n", "CapabilityBoundingSet=~CAP_SYS_TIME", "lxc.cap.drop", 0);
        assert_parsed(foreign_parse_lxc,
                      "# Template used to create this container: /usr/share/lxc/templates/lxc-download\n"
                      "# Parameters passed to the template: -d debian -r bookworm -a amd64\n"
                      "# For additional config options, please look at lxc.container.conf(5)\n\n"
                      "# Distribution configuration\nlxc.include = /usr/share/lxc/config/common.conf\nlxc.arch = linux64\n\n"
                      "# Container specific configuration\nlxc.apparmor.profile = generated\nlxc.apparmor.allow_nesting = 1\n"
                      "lxc.rootfs.path = dir:/var/lib/lxc/web1/rootfs\nlxc.uts.name = web1\n\n"
                      "# Network configuration\nlxc.net.0.type = veth\nlxc.net.0.link = br0\nlxc.net.0.flags = up\nlxc.net.0.hwaddr = 00:16:3e:12:34:56\n"
                      "lxc.net.0.ipv4.address = 192.0.2.5/24 192.0.2.255\nlxc.net.0.ipv4.gateway = 192.0.2.1\n"
                      "lxc.start.auto = 1\nlxc.environment = A=b c\nlxc.cgroup2.memory.max = 536870912\nlxc.cgroup2.cpu.max = 50000 100000\n"
                      "lxc.cgroup2.cpuset.cpus = 0-1\nlxc.cgroup2.pids.max = 200\nlxc.cap.drop = sys_time\nlxc.cap.drop = sys_module mac_admin\n"
                      "lxc.prlimit.nofile = 1000:2000\nlxc.prlimit.memlock = unlimited\n"
                      "lxc.mount.entry = proc proc proc nodev,noexec,nosuid 0 0\nlxc.mount.entry = /srv/data srv/data none bind,create=dir 0 0\n"
                      "lxc.mount.entry = tmpfs tmp tmpfs defaults 0 0\nlxc.hook.pre-start = /bin/rm -rf /\n",
                      "Hostname=web1\nenvironment.A=b c\nMemoryMax=536870912\nAllowedCPUs=0-1\nTasksMax=200\n"
                      "CapabilityBoundingSet=~CAP_SYS_TIME CAP_SYS_MODULE CAP_MAC_ADMIN\nlimits.kernel.nofile=1000:2000\n"
                      "Device.tmpfs7.Type=disk\nDevice.tmpfs7.Source=tmpfs\nDevice.tmpfs7.Path=/tmp\nDevice.tmpfs7.Mode=1777\nAutostart=yes\nAutostartPriority=2500\n"
                      "Device.eth0.Type=nic\nDevice.eth0.NicType=bridged\nDevice.eth0.MACAddress=00:16:3e:12:34:56\nDevice.eth0.Parent=br0\n"
                      "Device.eth0.IPv4Address=192.0.2.5/24\nDevice.eth0.IPv4Gateway=192.0.2.1\nCPUQuota=50.00%",
                      "lxc.apparmor.allow_nesting lxc.prlimit.memlock lxc.hook.pre-start", 1);
        /* LXC 1, and a bridge that is not there. */
        assert_parsed(foreign_parse_lxc,
                      "lxc.utsname=old\nlxc.network.type=veth\nlxc.network.link=lxcbr0\nlxc.network.ipv4=10.0.3.5/24\nlxc.network.hwaddr=00:16:3e:xx:xx:xx\n"
                      "lxc.network.type=empty\nlxc.cgroup.memory.limit_in_bytes=512M\nlxc.cgroup.cpu.shares=512\nlxc.id_map=u 0 100000 65536\n",
                      "Hostname=old\nMemoryMax=536870912\nCPUWeight=50\nDevice.eth0.Type=nic\nDevice.eth0.NicType=bridged\nDevice.eth1.Type=none", "", 1);
        assert_parsed(foreign_parse_lxc, "lxc.uts.name = ../x\nlxc.net.99.type = veth\nlxc.net.x.type = veth\nlxc.cgroup2.memory.max = lots\nlxc.cap.drop = fly\n", "",
                      "lxc.uts.name lxc.net.99.type lxc.net.x.type lxc.cgroup2.memory.max lxc.cap.drop", 0);
        /* One of LXC's own changes nothing; that another one was not read is told, as is that nesting was on. */
        assert_parsed(foreign_parse_lxc, "lxc.include = /usr/share/lxc/config/userns.conf\nlxc.include = /usr/share/lxc/config/nesting.conf\nlxc.include = /root/more.conf\n"
                      "lxc.include = /etc/common.conf\n", "", "", 3);
        /* What would be gone from the host, or be the host's network, is told. */
        assert_parsed(foreign_parse_lxc, "lxc.net.0.type=phys\nlxc.net.0.link=br0\nlxc.net.1.type=none\nlxc.net.2.type=macvlan\nlxc.net.2.link=nothing\nlxc.uts.name=\n", "", "", 3);
        /* In quotes, as its template "busybox" has it. */
        assert_parsed(foreign_parse_lxc, "lxc.uts.name = \"web1\"\nlxc.environment = 'A=b c'\nlxc.environment = B=\"\n", "Hostname=web1\nenvironment.A=b c\nenvironment.B=\"", "", 0);
        /* Without a value what was said before is taken back. */
        assert_parsed(foreign_parse_lxc, "lxc.cap.drop = sys_time\nlxc.cap.drop =\nlxc.cap.drop = sys_boot\nlxc.net.0.type = veth\nlxc.net.0.mtu = 1400\nlxc.net =\nlxc.net.0.type = empty\n",
                      "CapabilityBoundingSet=~CAP_SYS_BOOT\nDevice.eth0.Type=none", "", 0);
        assert_parsed(foreign_parse_lxc, "lxc.cap.keep = audit_write chown dac_override dac_read_search fowner fsetid ipc_owner kill mknod net_admin net_bind_service\n"
                      "lxc.cap.keep = net_broadcast setfcap setgid setpcap setuid sys_admin sys_chroot sys_nice sys_ptrace sys_resource sys_time\n",
                      "CapabilityBoundingSet=~CAP_NET_RAW CAP_SYS_BOOT", "", 0);
        /* Lower ones come first, and those of "onboot" before those of no group; others start by hand. */
        assert_parsed(foreign_parse_lxc, "lxc.start.auto = 1\nlxc.start.order = 10\n", "Autostart=yes\nAutostartPriority=2490", "", 0);
        assert_parsed(foreign_parse_lxc, "lxc.start.auto = 1\nlxc.start.order = -99999\nlxc.group = web onboot\n", "Autostart=yes\nAutostartPriority=9999", "", 0);
        assert_parsed(foreign_parse_lxc, "lxc.start.auto = 1\nlxc.start.order = 99999\nlxc.group = web\nlxc.group =\n", "Autostart=yes\nAutostartPriority=1", "", 0);
        assert_parsed(foreign_parse_lxc, "lxc.start.auto = 1\nlxc.group = web\n", "", "", 1);
        assert_parsed(foreign_parse_lxc, "lxc.start.auto = 0\nlxc.start.order = 1\nlxc.start.order = 1x\n", "", "lxc.start.order", 0);
        /* Whose init is nobody's. */
        assert_parsed(foreign_parse_lxc, "lxc.init.uid = 33\nlxc.init.gid = 34\nlxc.init.cmd = /bin/prog\n", "Init=/bin/prog\nUser=33:34", "", 0);
        assert_parsed(foreign_parse_lxc, "lxc.init.uid = 0\nlxc.init.gid = 0\n", "", "", 0);
        assert_parsed(foreign_parse_lxc, "lxc.init.uid = x y\n", "", "lxc.init.uid", 0);
        /* What is in every container; an absolute path; options that have a like, and one that has none. */
        assert_parsed(foreign_parse_lxc, "lxc.rootfs.path = dir:/var/lib/lxc/web1/rootfs\nlxc.mount.entry = shm dev/shm tmpfs defaults,create=dir 0 0\n"
                      "lxc.mount.entry = none /var/lib/lxc/web1/rootfs/srv tmpfs size=8M,mode=0750,ro 0 0\nlxc.mount.entry = none a tmpfs size=half 0 0\nlxc.mount.fstab = /etc/fstab\n",
                      "Device.tmpfs0.Type=disk\nDevice.tmpfs0.Source=tmpfs\nDevice.tmpfs0.Path=/srv\nDevice.tmpfs0.Size=8M\nDevice.tmpfs0.Mode=0750\nDevice.tmpfs0.ReadOnly=yes\n"
                      "Device.tmpfs6.Type=disk\nDevice.tmpfs6.Source=tmpfs\nDevice.tmpfs6.Path=/a\nDevice.tmpfs6.Mode=1777", "", 2);
        assert_parsed(foreign_parse_lxc, "lxc.net.0.type = veth\nlxc.net.0.veth.mode = router\nlxc.net.0.ipv4.address = 192.0.2.5/32\n",
                      "Device.eth0.Type=nic\nDevice.eth0.NicType=routed\nDevice.eth0.IPv4Address=192.0.2.5/32", "", 0);
        /* cgroup v1: memory and swap together. */
        assert_parsed(foreign_parse_lxc, "lxc.cgroup.memory.memsw.limit_in_bytes = 768M\nlxc.cgroup.memory.limit_in_bytes = 512M\nlxc.cgroup.blkio.weight = 250\n",
                      "MemoryMax=536870912\nIOWeight=50\nMemorySwapMax=268435456", "", 0);
        assert_parsed(foreign_parse_lxc, "lxc.cgroup2.memory.max = max\nlxc.cgroup2.pids.max = max\nlxc.cgroup2.cpu.max = max 100000\n", "", "", 0);
}
END_TEST

START_TEST(openvz) {
        assert_parsed(foreign_parse_openvz,
                      "# UBC parameters (in form of barrier:limit)\nKMEMSIZE=\"14372700:14790164\"\nPHYSPAGES=\"0:131072\"\nPRIVVMPAGES=\"65536:69632\"\nSWAPPAGES=\"0:256M\"\n"
                      "NUMPROC=\"240:240\"\n# Disk quota parameters (in form of softlimit:hardlimit)\nDISKSPACE=\"2G:2G\"\nDISKINODES=\"200000:220000\"\n"
                      "CPUUNITS=\"1000\"\nCPULIMIT=\"25\"\nCPUS=\"2\"\nVE_ROOT=\"/vz/root/$VEID\"\nVE_PRIVATE=\"/vz/private/$VEID\"\nOSTEMPLATE=\"debian-7.0-x86_64\"\n"
                      "ORIGIN_SAMPLE=\"vswap-256m\"\nHOSTNAME=\"www.example.org\"\nIP_ADDRESS=\"192.0.2.101 2001:db8::101\"\nNAMESERVER=\"192.0.2.1\"\nONBOOT=\"yes\"\n",
                      "MemoryMax=536870912\nMemorySwapMax=268435456\nTasksMax=240\n"
                      "CPUWeight=100\nCPUQuota=25%\nCPUCount=2\nHostname=www.example.org\nAutostart=yes\nDevice.eth0.Type=nic\nDevice.eth0.NicType=routed\n"
                      "Device.eth0.IPv4Address=192.0.2.101\nDevice.eth0.IPv6Address=2001:db8::101",
                      "KMEMSIZE DISKINODES", 1);
        assert_parsed(foreign_parse_openvz, "PHYSPAGES=\"0:9223372036854775807\"\nPRIVVMPAGES=\"1:2147483647\"\nNUMPROC=unlimited\nSWAPPAGES=1:unlimited\nCPULIMIT=0\n", "", "", 0);
        assert_parsed(foreign_parse_openvz, "PRIVVMPAGES=65536:65536\n", "MemoryMax=268435456", "", 0);
        assert_parsed(foreign_parse_openvz, "PRIVVMPAGES=65536\nPHYSPAGES=256\nHOSTNAME=a\nHOSTNAME=b\n", "MemoryMax=1048576\nHostname=b", "", 0);
        assert_parsed(foreign_parse_openvz, "NETIF='ifname=eth0,bridge=br0,mac=02:00:00:12:34:56,host_ifname=veth101.0'\n",
                      "Device.eth0.Type=nic\nDevice.eth0.NicType=bridged\nDevice.eth0.Name=eth0\nDevice.eth0.MACAddress=02:00:00:12:34:56\nDevice.eth0.Parent=br0", "", 0);
        assert_parsed(foreign_parse_openvz, "NETIF=\"ifname=eth0,bridge=br0\"\nIP_ADDRESS=192.0.2.101/255.255.255.0\n",
                      "Device.eth0.Type=nic\nDevice.eth0.NicType=routed\nDevice.eth0.Name=venet0\nDevice.eth0.IPv4Address=192.0.2.101\n"
                      "Device.eth1.Type=nic\nDevice.eth1.NicType=bridged\nDevice.eth1.Name=eth0\nDevice.eth1.Parent=br0", "", 0);
        assert_parsed(foreign_parse_openvz, "PHYSPAGES=$(reboot)\nHOSTNAME=`reboot`\nNAMESERVER=\"a;b\"\nNUMPROC=-1\n", "", "PHYSPAGES HOSTNAME NAMESERVER NUMPROC", 0);
}
END_TEST

START_TEST(nspawn) {
        assert_parsed(foreign_parse_nspawn,
                      "[Exec]\nBoot=yes\nHostname=tree1\nEnvironment=A=b \"C=d e\"\nPrivateUsers=pick\nDropCapability=CAP_NET_RAW\nCapability=CAP_SYS_TIME\nLimitNOFILE=1000\n"
                      "LimitMEMLOCK=infinity\n[Files]\nBind=/srv:/data\nBindReadOnly=/etc/hosts\nTemporaryFileSystem=/tmp:mode=1777\n"
                      "[Network]\nVirtualEthernet=yes\nBridge=br0\nPort=tcp:8080:80\n",
                      "Hostname=tree1\nenvironment.A=b\nenvironment.C=d e\nCapabilityBoundingSet=~CAP_NET_RAW\nLimitNOFILE=1000\n"
                      "Device.tmpfs5.Type=disk\nDevice.tmpfs5.Source=tmpfs\nDevice.tmpfs5.Path=/tmp\nDevice.tmpfs5.Mode=1777\nDevice.port-tcp8080.Type=proxy\n"
                      "Device.port-tcp8080.Listen=tcp:0.0.0.0:8080\nDevice.port-tcp8080.Connect=tcp:127.0.0.1:80\n"
                      "Device.eth0.Type=nic\nDevice.eth0.NicType=bridged\nDevice.eth0.Parent=br0",
                      "Capability LimitMEMLOCK", 2);
        assert_parsed(foreign_parse_nspawn, "[Exec]\nParameters=/bin/prog -x\nBoot=no\nProcessTwo=yes\nCPUAffinity=0-1,3\n", "StubInit=yes\nAllowedCPUs=0-1,3\nInit=/bin/prog -x", "", 0);
        assert_parsed(foreign_parse_nspawn, "[Exec]\nParameters=--log-level=debug\nBoot=yes\n", "", "Parameters", 0);
        assert_parsed(foreign_parse_nspawn, "[Exec]\nPrivateUsers=no\nBoot=maybe\n[Network]\nPrivate=no\nPort=99999999999\n", "", "PrivateUsers Boot Private Port", 0);
}
END_TEST

START_TEST(hostile) {
        static const struct {
                const char *text;
                size_t size;
                const char *reason;
        } cases[] = {
                { "lxc.uts.name = a\0b\n", 19, "line 1 has a NUL byte in it" },
                { "\n\xff\xfe\n", 4, "line 2 is no text" },
                { "A=b\x1b[31m\n", 9, "line 1 is no text" },
        };
        const parse_t parsers[] = { foreign_parse_lxc, foreign_parse_openvz, foreign_parse_nspawn };
        _cleanup_free_ char *huge = malloc(FOREIGN_FILE_SIZE_MAX + 1);

        memset(huge, 'A', FOREIGN_FILE_SIZE_MAX + 1);
        for (size_t k = 0; k < ELEMENTSOF(parsers); k++) {
                for (size_t i = 0; i < ELEMENTSOF(cases) + 2; i++) {
                        bool own = i < ELEMENTSOF(cases);
                        const char *reason = own ? cases[i].reason : i == ELEMENTSOF(cases) ? "line 1 is too long" : "it has more than 256 KiB";
                        _cleanup_free_ char *error = NULL;
                        Foreign f = {};

                        ck_assert_int_eq(parsers[k](&f, own ? cases[i].text : huge,
                                                    own ? cases[i].size : FOREIGN_FILE_SIZE_MAX + (i > ELEMENTSOF(cases)), &error), -EBADMSG);
                        ck_assert_str_eq(error, reason);
                        foreign_done(&f);
                }
                /* Every beginning of something, and every byte of it another one. */
                for (size_t n = 0; n < 400; n++) {
                        char text[] = "lxc.net.0.type=veth\nA=\"b\"\n[Exec]\nEnvironment=A=b\nlxc.mount.entry=a b tmpfs x 0 0\nNETIF=\"ifname=a,b=c;\"\nlxc.cap.drop=a b\n[Network]\nPort=tcp:1:2\n";
                        _cleanup_free_ char *error = NULL;
                        Foreign f = {};

                        text[n % (sizeof text - 1)] = (char) (n * 37);
                        (void) parsers[k](&f, text, n < sizeof text ? n : sizeof text - 1, &error);
                        foreign_done(&f);
                }
        }
}
END_TEST

UNIT_TESTS("foreign", lxc, openvz, nspawn, hostile)
