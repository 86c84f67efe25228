/*
 * The C side of package verbs. Work requests and completions cross the border as flat structs without pointers, in
 * batches. Everything that libibverbs exports is reached through a table that rd_load fills by dlopen, so the program
 * doesn't link the library; what the header defines inline (post, poll, arm) is used as it is.
 */
#ifndef RD_SHIM_H
#define RD_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <infiniband/verbs.h>

/* Mirrors of the Go types SendWR, RecvWR and WC; parity.go compares the layouts. */
struct rd_send_wr {
	uint64_t id;
	uint32_t op, flags;
	uint32_t lkey, rkey;
	uint64_t local, remote;
	uint32_t len, imm;
};

struct rd_recv_wr {
	uint64_t id;
	uint32_t lkey, len;
	uint64_t local;
};

struct rd_wc {
	uint64_t id;
	uint32_t status, op, vendor_err, len, imm;
	bool has_imm;
	uint32_t qpn;
};

enum {
	RD_SEND_WR_IMM = offsetof(struct rd_send_wr, imm),
	RD_RECV_WR_LOCAL = offsetof(struct rd_recv_wr, local),
	RD_WC_HAS_IMM = offsetof(struct rd_wc, has_imm),
	RD_WC_QPN = offsetof(struct rd_wc, qpn),
};

/* How many were posted, and 0 or the errno that stopped the rest. */
struct rd_posted {
	int n, err;
};

/* An async event; id is the cq_context or qp_context of its object, or 0. */
struct rd_event {
	int type, port;
	uint32_t qpn;
	uintptr_t id;
};

/* Returns 0, or -1 with a reason in err. */
int rd_load(const char *soname, char *err, size_t len);

struct ibv_device **rd_get_device_list(int *n);
void rd_free_device_list(struct ibv_device **list);
uint64_t rd_device_guid(struct ibv_device *dev);
struct ibv_context *rd_open_device(struct ibv_device *dev);
int rd_close_device(struct ibv_context *ctx);
int rd_query_device(struct ibv_context *ctx, struct ibv_device_attr *attr);
int rd_query_port(struct ibv_context *ctx, uint8_t port, struct ibv_port_attr *attr);
int rd_query_gid(struct ibv_context *ctx, uint8_t port, int index, uint8_t gid[16]);
int64_t rd_query_gid_table(struct ibv_context *ctx, struct ibv_gid_entry *out, size_t max);

/* Reads one async event and acks it. Returns 0, or -1 with errno. */
int rd_get_async_event(struct ibv_context *ctx, struct rd_event *out);

struct ibv_pd *rd_alloc_pd(struct ibv_context *ctx);
int rd_dealloc_pd(struct ibv_pd *pd);
struct ibv_mr *rd_reg_mr(struct ibv_pd *pd, void *addr, size_t len, uint64_t iova, unsigned int access);
int rd_dereg_mr(struct ibv_mr *mr);

struct ibv_comp_channel *rd_create_comp_channel(struct ibv_context *ctx);
int rd_destroy_comp_channel(struct ibv_comp_channel *ch);
struct ibv_cq *rd_create_cq(struct ibv_context *ctx, int depth, uintptr_t id, struct ibv_comp_channel *ch);
int rd_destroy_cq(struct ibv_cq *cq);

/* Reads one completion event and gives its CQ's id; it is still to be acked. Returns 0, or -1 with errno. */
int rd_get_cq_event(struct ibv_comp_channel *ch, uintptr_t *id);
void rd_ack_cq_events(struct ibv_cq *cq, unsigned int n);
int rd_req_notify_cq(struct ibv_cq *cq, int solicited_only);
int rd_poll_cq(struct ibv_cq *cq, struct rd_wc *out, int n);

struct ibv_qp *rd_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *attr, struct ibv_cq *send_cq,
			    struct ibv_cq *recv_cq, uintptr_t id);
int rd_destroy_qp(struct ibv_qp *qp);
int rd_query_qp_state(struct ibv_qp *qp, int *state);
int rd_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask);
struct rd_posted rd_post_send(struct ibv_qp *qp, const struct rd_send_wr *in, int n);
struct rd_posted rd_post_recv(struct ibv_qp *qp, const struct rd_recv_wr *in, int n);

#endif
