# Ten edits of the game's logic; sourced by run.sh, never run.
# shellcheck shell=bash disable=SC2034
#
#   edit NAME FILE FUNCTIONS ACTION CONDITION SED_EXPRESSION…
#
# FUNCTIONS: what a patch replaces, as "class::function" without arguments, by name.
# ACTION: what player 0 does for the effect to be seen; several with ';', "wait N" waits that many seconds.
# CONDITION: of jq, over {"old": what it saw before the action, "new": what it sees afterwards}. True with
# the patch, false without.

EDITS=()
declare -A FILE FUNCTIONS ACTION CONDITION SCRIPT
edit() {
	local name=$1
	EDITS+=("$name")
	FILE[$name]=$2 FUNCTIONS[$name]=$3 ACTION[$name]=$4 CONDITION[$name]=$5
	shift 5
	SCRIPT[$name]=$(printf '%s\n' "$@")
}

# a new life; who has a grenade launcher then takes it
KILL='kill; wait 4; weapon 3; wait 0.5'

# a virtual function of the base class, called through a derived one's table
edit suicide game/server/gamecontroller.cpp IGameController::OnCharacterDeath "$KILL" \
	'.new.score == .old.score - 5' \
	's|m_Score--; // suicide or world|m_Score -= 5;|'
edit spawn game/server/gamecontroller.cpp IGameController::OnCharacterSpawn "$KILL" \
	'.new.health == 7 and .new.weapon == 3' \
	's|pChr->IncreaseHealth(10);|pChr->IncreaseHealth(7);|' \
	's|pChr->GiveWeapon(WEAPON_GUN, 10);|&\n\tpChr->GiveWeapon(WEAPON_GRENADE, 5);|'
# a new function with a buffer of its own that lasts, and a new static in a block
edit chat game/server/gamecontext.cpp CGameContext::SendChat 'say hello' \
	'.new.chat | test("^\\[[0-9]+\\] hello$")' \
	'/^void CGameContext::SendChat(int/i static const char *Numbered(const char *pText)\n{\n\tstatic char s_aLine[256];\n\tstatic int s_Lines = 0;\n\tstr_format(s_aLine, sizeof(s_aLine), "[%d] %s", ++s_Lines, pText);\n\treturn s_aLine;\n}\n' \
	'/^void CGameContext::SendChat(int/,/^}/s|Msg.m_pMessage = pText;|Msg.m_pMessage = Numbered(pText);|'
# inlined into the function that handles messages
edit emoticon game/server/gamecontext.cpp 'CGameContext::OnMessage CGameContext::SendEmoticon' 'emote 3; wait 0.2' \
	'.new.emoticon == 4' \
	's|Msg.m_Emoticon = Emoticon;|Msg.m_Emoticon = (Emoticon + 1) % NUM_EMOTICONS;|'
edit ammo game/server/entities/character.cpp CCharacter::FireWeapon 'weapon 1; wait 1; fire; wait 0.3' \
	'.new.least_ammo == 10' \
	's|if(m_aWeapons\[m_ActiveWeapon\].m_Ammo > 0) // -1 == unlimited|if(m_ActiveWeapon != WEAPON_GUN \&\& m_aWeapons[m_ActiveWeapon].m_Ammo > 0)|'
edit death game/server/entities/character.cpp CCharacter::Die "$KILL" \
	'.new.death_weapon == -1' \
	'/^\t\t\tMsg.m_Killer = Killer;/,/^\t\t}/s|Msg.m_Weapon = Weapon;|Msg.m_Weapon = Weapon == WEAPON_SELF ? WEAPON_WORLD : Weapon;|'
# floating point
edit jump game/gamecore.cpp CCharacterCore::Tick 'jump; wait 0.5' \
	'.new.top_up < -4000' \
	's|m_Vel.y = -m_pWorld->m_Tuning.m_GroundJumpImpulse;|m_Vel.y = -m_pWorld->m_Tuning.m_GroundJumpImpulse * 1.5f;|'
# memory from the class' own operator new
edit armor game/server/player.cpp CPlayer::TryRespawn "$KILL" \
	'.new.armor == 5' \
	's|m_pCharacter->Spawn(this, SpawnPos);|&\n\tm_pCharacter->IncreaseArmor(5);|'
# a lambda
edit ouch game/server/player.cpp CPlayer::KillCharacter "$KILL" \
	'.new.broadcast == "tee 0 gave up"' \
	'/^void CPlayer::KillCharacter(int Weapon)/,/^}/s|^{|{\n\tauto Tell = [this](const char *pName)\n\t{\n\t\tchar aLine[64];\n\t\tstr_format(aLine, sizeof(aLine), "%s gave up", pName);\n\t\tGameServer()->SendBroadcast(aLine, -1);\n\t};\n\tif(Weapon == WEAPON_SELF)\n\t\tTell(Server()->ClientName(m_ClientID));|'
edit score game/server/player.cpp CPlayer::Snap 'wait 0.2' \
	'.new.score >= 500' \
	's|pPlayerInfo->m_Score = m_Score;|pPlayerInfo->m_Score = m_Score + 1000;|'
