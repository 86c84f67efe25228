//go:build linux && cgo

#include "shim.h"

#include <arpa/inet.h>
#include <string.h>

/* How many work requests or completions are on the C stack at once; longer batches take several rounds. */
enum { RD_BATCH = 32 };

static int at_most(int n) { return n < RD_BATCH ? n : RD_BATCH; }

static void fill_send(const struct rd_send_wr *in, struct ibv_send_wr *wr, struct ibv_sge *sge)
{
	*sge = (struct ibv_sge){.addr = in->local, .length = in->len, .lkey = in->lkey};
	memset(wr, 0, sizeof(*wr));
	wr->wr_id = in->id;
	wr->sg_list = sge;
	wr->num_sge = in->len ? 1 : 0;
	wr->opcode = in->op;
	wr->send_flags = in->flags;
	wr->imm_data = htonl(in->imm);
	wr->wr.rdma.remote_addr = in->remote;
	wr->wr.rdma.rkey = in->rkey;
}

/*
 * On failure bad names the first work request that was not taken. Some providers leave it unset. For a send that means
 * that rxe took them all and failed to ring the doorbell, as it does before RTS: they count as posted, because they
 * will be flushed. For a receive it means that none was looked at.
 */
struct rd_posted rd_post_send(struct ibv_qp *qp, const struct rd_send_wr *in, int n)
{
	struct ibv_send_wr wr[RD_BATCH], *bad;
	struct ibv_sge sge[RD_BATCH];
	struct rd_posted p = {0, 0};

	while (p.n < n && !p.err) {
		int k = at_most(n - p.n);

		for (int i = 0; i < k; i++) {
			fill_send(&in[p.n + i], &wr[i], &sge[i]);
			wr[i].next = i + 1 < k ? &wr[i + 1] : NULL;
		}
		bad = NULL;
		p.err = ibv_post_send(qp, wr, &bad);
		p.n += p.err && bad ? (int)(bad - wr) : k;
	}
	return p;
}

struct rd_posted rd_post_recv(struct ibv_qp *qp, const struct rd_recv_wr *in, int n)
{
	struct ibv_recv_wr wr[RD_BATCH], *bad;
	struct ibv_sge sge[RD_BATCH];
	struct rd_posted p = {0, 0};

	while (p.n < n && !p.err) {
		int k = at_most(n - p.n);

		for (int i = 0; i < k; i++) {
			const struct rd_recv_wr *w = &in[p.n + i];

			sge[i] = (struct ibv_sge){.addr = w->local, .length = w->len, .lkey = w->lkey};
			wr[i] = (struct ibv_recv_wr){.wr_id = w->id, .sg_list = &sge[i], .num_sge = w->len ? 1 : 0};
			wr[i].next = i + 1 < k ? &wr[i + 1] : NULL;
		}
		bad = NULL;
		p.err = ibv_post_recv(qp, wr, &bad);
		p.n += !p.err ? k : bad ? (int)(bad - wr) : 0;
	}
	return p;
}

int rd_poll_cq(struct ibv_cq *cq, struct rd_wc *out, int n)
{
	struct ibv_wc wc[RD_BATCH];
	int done = 0;

	while (done < n) {
		int want = at_most(n - done);
		int got = ibv_poll_cq(cq, want, wc);

		if (got < 0)
			return done ? done : got; /* The next poll reports it. */
		for (int i = 0; i < got; i++) {
			bool imm = wc[i].wc_flags & IBV_WC_WITH_IMM;

			out[done + i] = (struct rd_wc){
				.id = wc[i].wr_id,
				.status = wc[i].status,
				.op = wc[i].opcode,
				.vendor_err = wc[i].vendor_err,
				.len = wc[i].byte_len,
				.imm = imm ? ntohl(wc[i].imm_data) : 0,
				.has_imm = imm,
				.qpn = wc[i].qp_num,
			};
		}
		done += got;
		if (got < want)
			break;
	}
	return done;
}
