/*
 * CLUSTER of Redis: what clients learn of nodes.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/cluster.h"
#include "tests/proc/redis_talk.h"

#define DISABLED	"-ERR This instance has cluster support disabled\r\n"

static struct cluster c;
static struct daemon d;
static int fd;
static char text[4096], wanted[1024];

TestSuite(redis_cluster, .timeout = 60);

static void
start(const char *conf)
{
	daemon_prepare(&d, conf);
	daemon_launch(&d, NULL);
	fd = redis_open(&d);
}

static void
stop(void)
{
	close(fd);
	daemon_stop(&d);
}

Test(redis_cluster, is_off_by_default)
{
	start(NULL);
	talk(fd, "CLUSTER SLOTS\r\nCLUSTER SHARDS\r\nCLUSTER NODES\r\n"
	    "CLUSTER INFO\r\nCLUSTER MYID\r\nCLUSTER LINKS\r\n",
	    DISABLED DISABLED DISABLED DISABLED DISABLED DISABLED);
	talk(fd, "CLUSTER KEYSLOT x\r\nCLUSTER COUNTKEYSINSLOT 1\r\n"
	    "CLUSTER GETKEYSINSLOT 1 1\r\nREADONLY\r\nREADWRITE\r\n"
	    "ASKING\r\n",
	    DISABLED DISABLED DISABLED DISABLED DISABLED DISABLED);
	talk(fd, "CLUSTER nosuch\r\nCLUSTER KEYSLOT\r\n",
	    "-ERR unknown subcommand 'nosuch'. Try CLUSTER HELP.\r\n"
	    "-ERR wrong number of arguments for 'cluster|keyslot' "
	    "command\r\n");
	stop();
}

/* The id of the node that answers. */
static void
ask_id(int at, char id[41])
{
	redis_text(at, "CLUSTER MYID", id, 64);
	cr_assert_eq(strlen(id), 40);
	cr_assert_eq(strspn(id, "0123456789abcdef"), 40);
}

Test(redis_cluster, of_a_single_node_has_every_slot)
{
	char id[64];

	start("memory 64M\nworkers 2\ncluster-protocol single\n");
	ask_id(fd, id);
	snprintf(wanted, sizeof(wanted), "*1\r\n*3\r\n:0\r\n:16383\r\n*4\r\n"
	    "$9\r\n127.0.0.1\r\n:%u\r\n$40\r\n%s\r\n*0\r\n", d.port, id);
	talk(fd, "CLUSTER SLOTS\r\n", wanted);
	snprintf(wanted, sizeof(wanted), "*1\r\n*4\r\n$5\r\nslots\r\n*2\r\n"
	    ":0\r\n:16383\r\n$5\r\nnodes\r\n*1\r\n*14\r\n$2\r\nid\r\n"
	    "$40\r\n%s\r\n$4\r\nport\r\n:%u\r\n$2\r\nip\r\n"
	    "$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n"
	    "$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n"
	    ":0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n", id, d.port);
	talk(fd, "CLUSTER SHARDS\r\n", wanted);
	redis_text(fd, "CLUSTER NODES", text, sizeof(text));
	snprintf(wanted, sizeof(wanted), "%s 127.0.0.1:%u@0 myself,master - "
	    "0 0 1 connected 0-16383\n", id, d.port);
	cr_assert_str_eq(text, wanted);
	redis_text(fd, "CLUSTER INFO", text, sizeof(text));
	cr_assert(strstr(text, "cluster_state:ok\r\n") &&
	    strstr(text, "cluster_known_nodes:1\r\n"));
	cr_assert_eq(redis_info(fd, "cluster", "cluster_enabled"), 1);
	talk(fd, "CLUSTER LINKS\r\nREADONLY\r\nREADWRITE\r\nASKING\r\n",
	    "*0\r\n+OK\r\n+OK\r\n+OK\r\n");
	stop();
}

Test(redis_cluster, computes_slots_as_clients_do)
{
	start("memory 64M\nworkers 2\ncluster-protocol single\n");
	talk(fd, "CLUSTER KEYSLOT foo\r\nCLUSTER KEYSLOT {foo}bar\r\n"
	    "CLUSTER KEYSLOT \"\"\r\n", ":12182\r\n:12182\r\n:0\r\n");
	talk(fd, "HSET foo a 1\r\nSET {foo}bar 1\r\nHSET other a 1\r\n",
	    ":1\r\n+OK\r\n:1\r\n");
	talk(fd, "CLUSTER COUNTKEYSINSLOT 12182\r\n"
	    "CLUSTER COUNTKEYSINSLOT 12183\r\n", ":2\r\n:0\r\n");
	talk(fd, "CLUSTER GETKEYSINSLOT 12182 0\r\n"
	    "CLUSTER GETKEYSINSLOT 12183 9\r\n", "*0\r\n*0\r\n");
	talk_send(fd, "CLUSTER GETKEYSINSLOT 12182 1\r\n");
	talk_expect(fd, "*1\r\n$");
	close(fd);
	fd = redis_open(&d);
	talk(fd, "CLUSTER COUNTKEYSINSLOT 16384\r\n"
	    "CLUSTER COUNTKEYSINSLOT -1\r\nCLUSTER COUNTKEYSINSLOT x\r\n"
	    "CLUSTER GETKEYSINSLOT 1 -1\r\nCLUSTER GETKEYSINSLOT 99999 1\r\n",
	    "-ERR Invalid slot\r\n-ERR Invalid slot\r\n"
	    "-ERR value is not an integer or out of range\r\n"
	    "-ERR Invalid slot or number of keys\r\n"
	    "-ERR Invalid slot or number of keys\r\n");
	stop();
}

static void
start_nodes(const char *more)
{
	size_t i;

	cluster_prepare(&c, 2);
	for (i = 0; i < 2; i++) {
		c.letters[i] = NULL;
		cluster_configure(&c, i, more);
	}
	for (i = 0; i < 2; i++)
		daemon_launch(&c.node[i], NULL);
}

Test(redis_cluster, map_says_who_has_which_slots_on_every_node)
{
	char ids[2][64], reply[1024];
	int fds[2], i;

	start_nodes("cluster-protocol map\n");
	for (i = 0; i < 2; i++) {
		fds[i] = redis_open(&c.node[i]);
		ask_id(fds[i], ids[i]);
	}
	cr_assert_str_neq(ids[0], ids[1]);
	snprintf(reply, sizeof(reply), "*2\r\n"
	    "*3\r\n:0\r\n:8191\r\n*4\r\n$9\r\n127.0.0.1\r\n:4040\r\n"
	    "$40\r\n%s\r\n*0\r\n"
	    "*3\r\n:8192\r\n:16383\r\n*4\r\n$9\r\n127.0.0.1\r\n:4041\r\n"
	    "$40\r\n%s\r\n*0\r\n", ids[0], ids[1]);
	for (i = 0; i < 2; i++)
		talk(fds[i], "CLUSTER SLOTS\r\n", reply);
	snprintf(wanted, sizeof(wanted), "%s 127.0.0.1:4040@0 master - 0 0 1 "
	    "connected 0-8191\n%s 127.0.0.1:4041@0 myself,master - 0 0 1 "
	    "connected 8192-16383\n", ids[0], ids[1]);
	redis_text(fds[1], "CLUSTER NODES", text, sizeof(text));
	cr_assert_str_eq(text, wanted);
	redis_text(fds[0], "CLUSTER INFO", text, sizeof(text));
	cr_assert(strstr(text, "cluster_known_nodes:2\r\n"));
	talk(fds[0], "CLUSTER SHARDS\r\n", "*2\r\n*4\r\n$5\r\nslots\r\n*2\r\n"
	    ":0\r\n:8191\r\n");
	close(fds[0]);
	close(fds[1]);
	cluster_remove(&c);
}

Test(redis_cluster, that_goes_by_letters_looks_like_a_single_node)
{
	size_t i;

	cluster_prepare(&c, 2);
	for (i = 0; i < 2; i++)
		cluster_configure(&c, i, "cluster-protocol map\n");
	for (i = 0; i < 2; i++)
		daemon_launch(&c.node[i], NULL);
	fd = redis_open(&c.node[1]);
	talk(fd, "CLUSTER SLOTS\r\n", "*1\r\n*3\r\n:0\r\n:16383\r\n*4\r\n"
	    "$9\r\n127.0.0.1\r\n");
	snprintf(wanted, sizeof(wanted), ":%u\r\n", c.node[1].port);
	talk_expect(fd, wanted);
	close(fd);
	cluster_remove(&c);
}

Test(redis_cluster, protocol_changes_with_a_reload)
{
	start(NULL);
	daemon_configure(&d,
	    "memory 64M\nworkers 2\ncluster-protocol single\n");
	daemon_kill(&d, SIGHUP);
	daemon_await_log(&d, "configuration reloaded", 1);
	close(fd);
	fd = redis_open(&d);
	talk(fd, "CLUSTER LINKS\r\n", "*0\r\n");
	stop();
}
