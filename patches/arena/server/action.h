/*
 * Action: what a player can do in its room. Each answers one request, with the lock of the room
 * held, and with as many words as the table in command.c demands.
 */
#ifndef ARENA_ACTION_H
#define ARENA_ACTION_H

struct request;

void action_move(struct request *request);
void action_path(struct request *request);
void action_stop(struct request *request);
void action_look(struct request *request);
void action_who(struct request *request);
void action_buy(struct request *request);
void action_sell(struct request *request);
void action_inventory(struct request *request);
void action_trade(struct request *request);
void action_offer(struct request *request);
void action_withdraw(struct request *request);
void action_accept(struct request *request);
void action_leaderboard(struct request *request);
void action_match(struct request *request);
void action_watch(struct request *request);

#endif
