//go:build linux && cgo

#define _GNU_SOURCE /* dlvsym */
#include "shim.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * Each symbol is asked for at the version that the header describes, as the linker would do. A later library may
 * have a later default version with other structs.
 */
#define RD_SYMBOLS(X)                               \
	X(ibv_get_device_list, "IBVERBS_1.1")       \
	X(ibv_free_device_list, "IBVERBS_1.1")      \
	X(ibv_get_device_guid, "IBVERBS_1.1")       \
	X(ibv_open_device, "IBVERBS_1.1")           \
	X(ibv_close_device, "IBVERBS_1.1")          \
	X(ibv_query_device, "IBVERBS_1.1")          \
	X(ibv_query_port, "IBVERBS_1.1")            \
	X(ibv_query_gid, "IBVERBS_1.1")             \
	X(_ibv_query_gid_table, "IBVERBS_1.11")     \
	X(ibv_get_async_event, "IBVERBS_1.1")       \
	X(ibv_ack_async_event, "IBVERBS_1.1")       \
	X(ibv_alloc_pd, "IBVERBS_1.1")              \
	X(ibv_dealloc_pd, "IBVERBS_1.1")            \
	X(ibv_reg_mr_iova2, "IBVERBS_1.8")          \
	X(ibv_dereg_mr, "IBVERBS_1.1")              \
	X(ibv_create_comp_channel, "IBVERBS_1.0")   \
	X(ibv_destroy_comp_channel, "IBVERBS_1.0")  \
	X(ibv_create_cq, "IBVERBS_1.1")             \
	X(ibv_destroy_cq, "IBVERBS_1.1")            \
	X(ibv_get_cq_event, "IBVERBS_1.1")          \
	X(ibv_ack_cq_events, "IBVERBS_1.1")         \
	X(ibv_create_qp, "IBVERBS_1.1")             \
	X(ibv_destroy_qp, "IBVERBS_1.1")            \
	X(ibv_query_qp, "IBVERBS_1.1")              \
	X(ibv_modify_qp, "IBVERBS_1.1")

#define RD_FIELD(sym, ver) __typeof__(sym) *sym;
struct rd_lib {
	RD_SYMBOLS(RD_FIELD)
};

/* Written once, by the rd_load that succeeds, before any other call; Go orders the two. */
static struct rd_lib lib;

static void *find(void *so, const char *sym, const char *ver)
{
#ifdef __GLIBC__
	return dlvsym(so, sym, ver);
#else
	return dlsym(so, sym);
#endif
}

int rd_load(const char *soname, char *err, size_t len)
{
	void *so = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
	struct rd_lib l;

	if (!so) {
		snprintf(err, len, "%s", dlerror());
		return -1;
	}
#define RD_FIND(sym, ver)                                                                      \
	l.sym = (__typeof__(sym) *)find(so, #sym, ver);                                        \
	if (!l.sym) {                                                                          \
		snprintf(err, len, "%s: no symbol %s of version %s: rdma-core 30 or later is " \
			 "needed", soname, #sym, ver);                                         \
		dlclose(so);                                                                   \
		return -1;                                                                     \
	}
	RD_SYMBOLS(RD_FIND)
	lib = l;
	return 0;
}

struct ibv_device **rd_get_device_list(int *n) { return lib.ibv_get_device_list(n); }

void rd_free_device_list(struct ibv_device **list) { lib.ibv_free_device_list(list); }

uint64_t rd_device_guid(struct ibv_device *dev) { return be64toh(lib.ibv_get_device_guid(dev)); }

struct ibv_context *rd_open_device(struct ibv_device *dev) { return lib.ibv_open_device(dev); }

int rd_close_device(struct ibv_context *ctx) { return lib.ibv_close_device(ctx); }

int rd_query_device(struct ibv_context *ctx, struct ibv_device_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	return lib.ibv_query_device(ctx, attr);
}

/* What the header's ibv_query_port does, which calls the library by its linked name. */
int rd_query_port(struct ibv_context *ctx, uint8_t port, struct ibv_port_attr *attr)
{
	struct verbs_context *v = verbs_get_ctx_op(ctx, query_port);

	memset(attr, 0, sizeof(*attr));
	if (!v)
		return (lib.ibv_query_port)(ctx, port, (struct _compat_ibv_port_attr *)attr); /* not the macro */
	return v->query_port(ctx, port, attr, sizeof(*attr));
}

int rd_query_gid(struct ibv_context *ctx, uint8_t port, int index, uint8_t gid[16])
{
	union ibv_gid g;
	int rc = lib.ibv_query_gid(ctx, port, index, &g);

	if (!rc)
		memcpy(gid, g.raw, sizeof(g.raw));
	return rc;
}

int64_t rd_query_gid_table(struct ibv_context *ctx, struct ibv_gid_entry *out, size_t max)
{
	return lib._ibv_query_gid_table(ctx, out, max, 0, sizeof(*out));
}

int rd_get_async_event(struct ibv_context *ctx, struct rd_event *out)
{
	struct ibv_async_event ev;
	int rc;

	do
		rc = lib.ibv_get_async_event(ctx, &ev);
	while (rc && errno == EINTR);
	if (rc)
		return -1;

	memset(out, 0, sizeof(*out));
	out->type = ev.event_type;
	switch (ev.event_type) {
	case IBV_EVENT_CQ_ERR:
		out->id = (uintptr_t)ev.element.cq->cq_context;
		break;
	case IBV_EVENT_QP_FATAL:
	case IBV_EVENT_QP_REQ_ERR:
	case IBV_EVENT_QP_ACCESS_ERR:
	case IBV_EVENT_COMM_EST:
	case IBV_EVENT_SQ_DRAINED:
	case IBV_EVENT_PATH_MIG:
	case IBV_EVENT_PATH_MIG_ERR:
	case IBV_EVENT_QP_LAST_WQE_REACHED:
		out->id = (uintptr_t)ev.element.qp->qp_context;
		out->qpn = ev.element.qp->qp_num;
		break;
	case IBV_EVENT_PORT_ACTIVE:
	case IBV_EVENT_PORT_ERR:
	case IBV_EVENT_LID_CHANGE:
	case IBV_EVENT_PKEY_CHANGE:
	case IBV_EVENT_SM_CHANGE:
	case IBV_EVENT_CLIENT_REREGISTER:
	case IBV_EVENT_GID_CHANGE:
		out->port = ev.element.port_num;
		break;
	case IBV_EVENT_DEVICE_FATAL:
	case IBV_EVENT_SRQ_ERR:
	case IBV_EVENT_SRQ_LIMIT_REACHED:
	case IBV_EVENT_WQ_FATAL:
		break;
	}
	lib.ibv_ack_async_event(&ev);
	return 0;
}

struct ibv_pd *rd_alloc_pd(struct ibv_context *ctx) { return lib.ibv_alloc_pd(ctx); }

int rd_dealloc_pd(struct ibv_pd *pd) { return lib.ibv_dealloc_pd(pd); }

/* iova2 is what the header's ibv_reg_mr calls, and ibv_reg_mr_iova's, when the access flags are not constant; it takes the optional ones. */
struct ibv_mr *rd_reg_mr(struct ibv_pd *pd, void *addr, size_t len, uint64_t iova, unsigned int access)
{
	return lib.ibv_reg_mr_iova2(pd, addr, len, iova, access);
}

int rd_dereg_mr(struct ibv_mr *mr) { return lib.ibv_dereg_mr(mr); }

struct ibv_comp_channel *rd_create_comp_channel(struct ibv_context *ctx) { return lib.ibv_create_comp_channel(ctx); }

int rd_destroy_comp_channel(struct ibv_comp_channel *ch) { return lib.ibv_destroy_comp_channel(ch); }

struct ibv_cq *rd_create_cq(struct ibv_context *ctx, int depth, uintptr_t id, struct ibv_comp_channel *ch)
{
	return lib.ibv_create_cq(ctx, depth, (void *)id, ch, 0);
}

int rd_destroy_cq(struct ibv_cq *cq) { return lib.ibv_destroy_cq(cq); }

int rd_get_cq_event(struct ibv_comp_channel *ch, uintptr_t *id)
{
	struct ibv_cq *cq;
	void *ctx;
	int rc;

	do
		rc = lib.ibv_get_cq_event(ch, &cq, &ctx);
	while (rc && errno == EINTR);
	if (!rc)
		*id = (uintptr_t)ctx;
	return rc;
}

void rd_ack_cq_events(struct ibv_cq *cq, unsigned int n) { lib.ibv_ack_cq_events(cq, n); }

int rd_req_notify_cq(struct ibv_cq *cq, int solicited_only) { return ibv_req_notify_cq(cq, solicited_only); }

struct ibv_qp *rd_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *attr, struct ibv_cq *send_cq,
			    struct ibv_cq *recv_cq, uintptr_t id)
{
	/* Go hands over no struct with pointers in it, so they enter here. */
	attr->qp_context = (void *)id;
	attr->send_cq = send_cq;
	attr->recv_cq = recv_cq;
	attr->qp_type = IBV_QPT_RC;
	return lib.ibv_create_qp(pd, attr);
}

int rd_destroy_qp(struct ibv_qp *qp) { return lib.ibv_destroy_qp(qp); }

int rd_query_qp_state(struct ibv_qp *qp, int *state)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;
	int rc = lib.ibv_query_qp(qp, &attr, IBV_QP_STATE, &init);

	if (!rc)
		*state = attr.qp_state;
	return rc;
}

int rd_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask) { return lib.ibv_modify_qp(qp, attr, mask); }
