/*
 * Answers: is a frame one, and all of it?
 *
 * A reply that is longer than a frame comes in several, one behind the other.
 * They are kept until the last is there, for nobody may be told half a reply
 * when the link breaks; of a link that is one at a time.  Lists need none of
 * this: they are asked for in pieces.
 */

#include "server/clock.h"
#include "server/link_state.h"

/* A piece of a list fits in a frame, and so does what a feed is told. */
static bool
may_go_on(const struct question *q)
{
	return !q->piece && q->feed == NULL;
}

/* A list that does not get on would be asked for without an end. */
static bool
is_next_piece(const struct question *q, const struct frame *frame)
{
	if (!q->piece)
		return (frame->flags & FRAME_PLACE) == 0;
	return (frame->flags & FRAME_PLACE) != 0 &&
	    (frame->place == 0 || frame->place > q->place);
}

bool
link_is_answer(const struct link *link, const struct frame *frame)
{
	const struct question *q;

	if (link->count == 0 || frame->id != link->first_id ||
	    (link->answering && frame->op != FRAME_REPLY))
		return false;
	q = link_question_at(link, 0);
	if ((frame->flags & FRAME_GOES_ON) != 0 && !may_go_on(q))
		return false;
	return q->len <= link->sent &&
	    q->ping == (frame->op == FRAME_PONG) &&
	    (frame->op != FRAME_REPLY || is_next_piece(q, frame));
}

/* What is as large as this takes its time, wherever it is moved. */
static void
beat(const struct link *link)
{
	const struct inherit *in = link->all->inherit;

	board_beat(in->arena, in->slot, clock_ms());
}

/* Of what is for nobody any more nothing is kept. */
bool
link_keep_part(struct link *link, const struct frame *frame)
{
	size_t len = outbuf_len(&link->answer);

	link->answering = true;
	if (link_question_at(link, 0)->who == NULL)
		outbuf_free(&link->answer);
	else if (frame->payload.len > FRAME_REPLY_MAX - len)
		return false;
	else
		outbuf_append(&link->answer, frame->payload.data,
		    frame->payload.len);
	return !link->answer.failed;
}

bool
link_complete_answer(struct link *link, struct frame *frame)
{
	if (!link->answering)
		return true;
	if (!link_keep_part(link, frame))
		return false;
	beat(link);
	frame->payload.len = outbuf_len(&link->answer);
	if (frame->payload.len > 0)
		frame->payload.data = link->answer.data + link->answer.head;
	return true;
}

void
link_forget_answer(struct link *link)
{
	if (!link->answering)
		return;
	beat(link);
	outbuf_free(&link->answer);
	link->answering = false;
}
