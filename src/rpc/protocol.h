/* SPDX-License-Identifier: MIT */
/* Numbers of the protocol (docs/PROTOCOL.md) that the agent and its clients share. */
#ifndef RPC_PROTOCOL_H
#define RPC_PROTOCOL_H

enum {
	RPC_PROTOCOL_VERSION = 1, /* of this tree; `hello` tells the other side */
	RPC_PROTOCOL_OLDEST = 1,  /* the oldest that this tree still speaks */
};

/* What one side is ready to take from the other. */
enum {
	/*
	 * Requests are small, since a patch travels as a descriptor. The limits keep a hostile
	 * client from making the game allocate: json-c needs up to ~900 bytes for each value.
	 */
	RPC_REQUEST_LINE = 64 << 10,
	RPC_REQUEST_VALUES = 4096,
	/* Answers list functions and backtraces. */
	RPC_ANSWER_LINE = 8 << 20,
	RPC_ANSWER_VALUES = 4 << 20,
	RPC_DEPTH = 24,
	RPC_ID_SIZE = 128, /* longest id that is text */
};

/* Numbers of JSON-RPC 2.0 in "error": {"code"}; ours is the name in "data": {"code"}. */
enum rpc_number {
	RPC_NUMBER_SUTURE = -32000,
	RPC_NUMBER_INVALID_REQUEST = -32600,
	RPC_NUMBER_UNKNOWN_METHOD = -32601,
	RPC_NUMBER_INVALID_PARAMS = -32602,
	RPC_NUMBER_INTERNAL = -32603,
	RPC_NUMBER_PARSE = -32700,
};

#endif
