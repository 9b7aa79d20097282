/* SPDX-License-Identifier: MIT */
/*
 * Players of a teeworlds server, without graphics: the game's own network and snapshot code, so
 *that what they understand is what a client understands.
 *
 *	players PORT COUNT
 *
 * All walk about, shoot and chat; player 0 stands still and does what standard input says, one
 * command a line:
 *	say TEXT | emote N | kill | move -1..1 | jump | fire | weapon N
 *	look		one JSON line: what player 0 sees of itself, and how all are
 *	stop		keeps the others quiet until "go"
 * End of input: all leave. Exit: 0, 1 when a connection was lost or never made.
 */
#include <base/system.h>
#include <engine/shared/compression.h>
#include <engine/shared/config.h>
#include <engine/shared/network.h>
#include <engine/shared/protocol.h>
#include <engine/shared/snapshot.h>
#include <game/version.h>
#include <generated/protocol.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

namespace
{

enum { TICK_MS = 20, MAX_PLAYERS_HERE = 16, STALE_MS = 5000 };

CConfig config; /* all zero: no debug output, no bans */

long long now_ms()
{
	return time_get() * 1000 / time_freq();
}

std::string quoted(const std::string &text)
{
	std::string out = "\"";

	for (char c : text) {
		if (c == '"' || c == '\\')
			out += '\\';
		if ((unsigned char)c >= ' ')
			out += c;
	}
	return out + "\"";
}

class Player
{
	CNetClient net;
	CNetObjHandler objects;
	CSnapshotDelta delta;
	CSnapshotStorage snapshots;
	char incoming[CSnapshot::MAX_SIZE];
	unsigned long long parts = 0;
	int receiving = -1, acknowledged = -1;
	CNetObj_PlayerInput input = {};
	unsigned noise;
	long long last_snapshot = 0;

	void send(CMsgPacker *message, int flags)
	{
		CNetChunk chunk = {};

		chunk.m_ClientID = 0;
		chunk.m_pData = message->Data();
		chunk.m_DataSize = message->Size();
		chunk.m_Flags = flags;
		net.Send(&chunk);
	}

	template <class Message> void send_game(Message &message)
	{
		CMsgPacker packer(message.MsgID(), false);

		if (!message.Pack(&packer))
			send(&packer, NETSENDFLAG_VITAL | NETSENDFLAG_FLUSH);
	}

	void send_system(int id)
	{
		CMsgPacker packer(id, true);

		send(&packer, NETSENDFLAG_VITAL | NETSENDFLAG_FLUSH);
	}

	void send_name()
	{
		CNetMsg_Cl_StartInfo info = {};

		info.m_pName = name.c_str();
		info.m_pClan = "suture";
		info.m_Country = -1;
		for (auto &part : info.m_apSkinPartNames)
			part = "standard";
		send_game(info);
	}

	void take_snapshot(int id, CUnpacker *from)
	{
		static CSnapshot nothing;
		static unsigned char unpacked[CSnapshot::MAX_SIZE], whole[CSnapshot::MAX_SIZE];
		CSnapshot *base = &nothing, *snapshot = (CSnapshot *)whole;
		int tick = from->GetInt(), base_tick = tick - from->GetInt();
		int count = id == NETMSG_SNAP ? from->GetInt() : 1;
		int part = id == NETMSG_SNAP ? from->GetInt() : 0;
		int crc = id == NETMSG_SNAPEMPTY ? 0 : from->GetInt();
		int size = id == NETMSG_SNAPEMPTY ? 0 : from->GetInt();
		const void *data = from->GetRaw(size);
		int length = 3 * (int)sizeof(int);
		const void *change = delta.EmptyDelta();

		if (from->Error() || count < 1 || count > CSnapshot::MAX_PARTS || part < 0 ||
		    part >= count || size < 0 || size > MAX_SNAPSHOT_PACKSIZE || tick < receiving)
			return;
		if (tick != receiving)
			parts = 0;
		receiving = tick;
		memcpy(incoming + part * MAX_SNAPSHOT_PACKSIZE, data, size);
		parts |= 1ull << part;
		if (parts != (count == 64 ? ~0ull : (1ull << count) - 1))
			return;
		parts = 0;
		nothing.Clear();
		if (base_tick >= 0 && snapshots.Get(base_tick, 0, &base, 0) < 0) {
			acknowledged = -1;
			return;
		}
		size += (count - 1) * MAX_SNAPSHOT_PACKSIZE;
		if (size) {
			length = CVariableInt::Decompress(incoming, size, unpacked,
							  sizeof(unpacked));
			change = unpacked;
		}
		length = length < 0 ? -1 : delta.UnpackDelta(base, snapshot, change, length);
		if (length < 0 || (id != NETMSG_SNAPEMPTY && snapshot->Crc() != crc)) {
			broken++;
			acknowledged = -1;
			return;
		}
		snapshots.PurgeUntil(base_tick < tick - 150 ? tick - 150 : base_tick);
		snapshots.Add(tick, time_get(), length, snapshot, 0);
		acknowledged = tick;
		last_snapshot = now_ms();
		seen++;
		read_snapshot(snapshot);
	}

	void read_snapshot(const CSnapshot *snapshot)
	{
		alive = false;
		for (int i = 0; i < snapshot->NumItems(); i++) {
			const CSnapshotItem *item = snapshot->GetItem(i);

			if (item->Type() == NETOBJTYPE_CHARACTER && item->ID() == id) {
				memcpy(&character, item->Data(), sizeof(character));
				alive = true;
				if (character.m_VelY < top_speed_up)
					top_speed_up = character.m_VelY;
				if (character.m_AmmoCount < least_ammo)
					least_ammo = character.m_AmmoCount;
			} else if (item->Type() == NETOBJTYPE_PLAYERINFO && item->ID() == id) {
				memcpy(&info, item->Data(), sizeof(info));
			}
		}
	}

	void take_system(int id, CUnpacker *from)
	{
		switch (id) {
		case NETMSG_MAP_CHANGE: /* the map itself is not needed to play blindly */
			send_system(NETMSG_READY);
			break;
		case NETMSG_CON_READY:
			send_name();
			break;
		case NETMSG_SNAP:
		case NETMSG_SNAPSINGLE:
		case NETMSG_SNAPEMPTY:
			take_snapshot(id, from);
			break;
		}
	}

	void take_game(int type, CUnpacker *from)
	{
		const void *message = objects.SecureUnpackMsg(type, from);

		if (type == NETMSGTYPE_SV_READYTOENTER)
			send_system(NETMSG_ENTERGAME);
		if (!message)
			return;
		if (type == NETMSGTYPE_SV_CLIENTINFO) {
			const auto *client = (const CNetMsg_Sv_ClientInfo *)message;

			if (client->m_Local)
				id = client->m_ClientID;
		} else if (type == NETMSGTYPE_SV_CHAT) {
			const auto *line = (const CNetMsg_Sv_Chat *)message;

			if (line->m_ClientID == id || line->m_ClientID < 0)
				chat = line->m_pMessage;
		} else if (type == NETMSGTYPE_SV_BROADCAST) {
			broadcast = ((const CNetMsg_Sv_Broadcast *)message)->m_pMessage;
		} else if (type == NETMSGTYPE_SV_EMOTICON) {
			const auto *face = (const CNetMsg_Sv_Emoticon *)message;

			if (face->m_ClientID == id)
				emoticon = face->m_Emoticon;
		} else if (type == NETMSGTYPE_SV_KILLMSG) {
			const auto *death = (const CNetMsg_Sv_KillMsg *)message;

			if (death->m_Victim == id) {
				deaths++;
				death_weapon = death->m_Weapon;
			}
		}
	}

	void send_input()
	{
		CMsgPacker packer(NETMSG_INPUT, true);
		const int *data = (const int *)&input;

		if (acknowledged < 0 && !seen)
			return;
		packer.AddInt(acknowledged);
		packer.AddInt(receiving + 2);
		packer.AddInt(sizeof(input));
		for (size_t i = 0; i < sizeof(input) / sizeof(int); i++)
			packer.AddInt(data[i]);
		packer.AddInt(0);
		send(&packer, NETSENDFLAG_FLUSH);
	}

      public:
	std::string name, chat, broadcast;
	CNetObj_Character character = {};
	CNetObj_PlayerInfo info = {};
	int id = -1, emoticon = -1, deaths = 0, death_weapon = -9, seen = 0, broken = 0,
	    top_speed_up = 0, least_ammo = 0;
	bool alive = false, asked = false;

	bool open(int port, unsigned number)
	{
		NETADDR address = {}, any = {};

		noise = number * 2654435761u + 1;
		name = "tee " + std::to_string(number);
		any.type = address.type = NETTYPE_IPV4;
		address.ip[0] = 127;
		address.ip[3] = 1;
		address.port = (unsigned short)port;
		snapshots.Init();
		for (int i = 0; i < NUM_NETOBJTYPES; i++)
			delta.SetStaticsize(i, objects.GetObjSize(i));
		input.m_TargetX = 1;
		if (!net.Open(any, &config, 0, 0, NETCREATE_FLAG_RANDOMPORT))
			return false;
		net.Connect(&address);
		return true;
	}

	void pump()
	{
		CNetChunk chunk;

		net.Update();
		if (!asked && net.State() == NETSTATE_ONLINE) {
			CMsgPacker packer(NETMSG_INFO, true);

			packer.AddString(GAME_NETVERSION, 128);
			packer.AddString("", 128);
			packer.AddInt(CLIENT_VERSION);
			send(&packer, NETSENDFLAG_VITAL | NETSENDFLAG_FLUSH);
			asked = true;
		}
		while (net.Recv(&chunk)) {
			CUnpacker unpacker;
			int type;

			if (chunk.m_Flags & NETSENDFLAG_CONNLESS)
				continue;
			unpacker.Reset(chunk.m_pData, chunk.m_DataSize);
			type = unpacker.GetInt();
			if (unpacker.Error())
				broken++;
			else if (type & 1)
				take_system(type >> 1, &unpacker);
			else
				take_game(type >> 1, &unpacker);
		}
		send_input();
	}

	/* In the game, and told about it all the time. */
	bool well() const
	{
		return net.State() == NETSTATE_ONLINE && seen &&
		       now_ms() - last_snapshot < STALE_MS;
	}

	void leave()
	{
		net.Disconnect("bye");
	}
	void say(const char *text)
	{
		CNetMsg_Cl_Say message = {};

		message.m_Mode = CHAT_ALL;
		message.m_Target = -1;
		message.m_pMessage = text;
		send_game(message);
	}
	void emote(int which)
	{
		CNetMsg_Cl_Emoticon message = {};

		message.m_Emoticon = which;
		send_game(message);
	}
	void kill()
	{
		CNetMsg_Cl_Kill message;

		death_weapon = -9;
		send_game(message);
	}
	void move(int direction)
	{
		input.m_Direction = direction;
	}
	void jump(bool pressed)
	{
		input.m_Jump = pressed;
		if (pressed)
			top_speed_up = 0;
	}
	/* Watched from now on. */
	void count_ammo()
	{
		least_ammo = character.m_AmmoCount;
	}
	/* Odd: pressed. */
	void trigger()
	{
		input.m_Fire = (input.m_Fire + 1) & INPUT_STATE_MASK;
	}
	bool trigger_pressed() const
	{
		return input.m_Fire & 1;
	}
	void weapon(int which)
	{
		input.m_WantedWeapon = which + 1;
	}
	void aim(int x, int y)
	{
		input.m_TargetX = x, input.m_TargetY = y;
	}

	unsigned chance(unsigned of)
	{
		noise = noise * 1664525u + 1013904223u;
		return (noise >> 8) % of;
	}

	void rest()
	{
		move(0);
		jump(false);
		input.m_Hook = 0;
		if (trigger_pressed())
			trigger();
	}

	/* What a player does who was told nothing. */
	void wander()
	{
		if (!chance(25))
			move((int)chance(3) - 1);
		jump(!chance(10));
		aim((int)chance(400) - 200, (int)chance(400) - 200);
		if (trigger_pressed() || !chance(15))
			trigger();
		input.m_Hook = !chance(3);
		if (!chance(250))
			weapon((int)chance(2));
		if (!chance(300))
			say("gg");
		if (!chance(1000))
			kill();
	}
};

void look(const std::vector<std::unique_ptr<Player>> &players)
{
	const Player &me = *players[0];
	size_t well = 0;
	int broken = 0;

	for (const auto &player : players) {
		well += player->well();
		broken += player->broken;
	}
	printf("{\"players\":%zu,\"well\":%zu,\"broken\":%d,\"id\":%d,\"alive\":%s,\"snapshots\":%"
	       "d,"
	       "\"health\":%d,\"armor\":%d,\"weapon\":%d,\"ammo\":%d,\"emote\":%d,\"score\":%d,"
	       "\"x\":%d,\"y\":%d,\"velx\":%d,\"vely\":%d,\"top_up\":%d,\"least_ammo\":%d,"
	       "\"deaths\":%d,\"death_weapon\":%d,\"emoticon\":%d,\"chat\":%s,\"broadcast\":%s}\n",
	       players.size(), well, broken, me.id, me.alive ? "true" : "false", me.seen,
	       me.character.m_Health, me.character.m_Armor, me.character.m_Weapon,
	       me.character.m_AmmoCount, me.character.m_Emote, me.info.m_Score, me.character.m_X,
	       me.character.m_Y, me.character.m_VelX, me.character.m_VelY, me.top_speed_up,
	       me.least_ammo, me.deaths, me.death_weapon, me.emoticon, quoted(me.chat).c_str(),
	       quoted(me.broadcast).c_str());
	fflush(stdout);
}

struct Orders {
	int fire = 0, jump = 0; /* ticks for which the key is still held */
	bool quiet = false, over = false;
};

void obey(std::vector<std::unique_ptr<Player>> &players, Orders *orders, char *line)
{
	Player &me = *players[0];
	char *argument = strchr(line, ' ');

	if (argument)
		*argument++ = '\0';
	else
		argument = line + strlen(line);
	if (!strcmp(line, "say"))
		me.say(argument);
	else if (!strcmp(line, "emote"))
		me.emote(atoi(argument));
	else if (!strcmp(line, "kill"))
		me.kill();
	else if (!strcmp(line, "move"))
		me.move(atoi(argument));
	else if (!strcmp(line, "weapon"))
		me.weapon(atoi(argument));
	else if (!strcmp(line, "jump"))
		orders->jump = 5;
	else if (!strcmp(line, "fire"))
		orders->fire = 5, me.count_ammo();
	else if (!strcmp(line, "stop") || !strcmp(line, "go"))
		orders->quiet = line[0] == 's';
	else if (!strcmp(line, "look"))
		look(players);
	else
		fprintf(stderr, "players: no command '%s'\n", line);
}

/* Whole lines of standard input, without waiting. */
void read_orders(std::vector<std::unique_ptr<Player>> &players, Orders *orders)
{
	static std::string text;
	struct pollfd input = {STDIN_FILENO, POLLIN, 0};
	char buffer[4096];
	size_t end;

	while (!orders->over && poll(&input, 1, 0) > 0) {
		ssize_t size = read(STDIN_FILENO, buffer, sizeof(buffer));

		if (size <= 0)
			orders->over = true;
		else
			text.append(buffer, (size_t)size);
	}
	while ((end = text.find('\n')) != std::string::npos) {
		std::string line = text.substr(0, end);

		text.erase(0, end + 1);
		obey(players, orders, &line[0]);
	}
}

} // namespace

int main(int argc, char **argv)
{
	int port = argc == 3 ? atoi(argv[1]) : 0, count = argc == 3 ? atoi(argv[2]) : 0;
	std::vector<std::unique_ptr<Player>> players;
	Orders orders;
	bool all_well = true;

	if (port < 1 || port > 65535 || count < 1 || count > MAX_PLAYERS_HERE) {
		fprintf(stderr, "usage: players PORT COUNT\n");
		return 2;
	}
	if (secure_random_init())
		return 1;

	for (int i = 0; i < count; i++) {
		players.emplace_back(new Player());
		if (!players.back()->open(port, (unsigned)i))
			return 1;
	}
	while (!orders.over) {
		Player &me = *players[0];

		for (size_t i = 1; i < players.size(); i++)
			if (orders.quiet)
				players[i]->rest();
			else
				players[i]->wander();
		me.jump(orders.jump > 0);
		orders.jump -= orders.jump > 0;
		if ((orders.fire > 0) != me.trigger_pressed())
			me.trigger();
		orders.fire -= orders.fire > 0;
		for (auto &player : players)
			player->pump();
		read_orders(players, &orders);
		usleep(TICK_MS * 1000);
	}
	for (auto &player : players) {
		all_well &= player->well();
		player->leave();
	}
	return all_well ? 0 : 1;
}
