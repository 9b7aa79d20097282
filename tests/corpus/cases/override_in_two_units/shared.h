#pragma once

struct actor {
	virtual ~actor() {}
	virtual int hit(int value) { return value; }
	virtual int weight() { return 70; }
};

struct orc : actor {
	int hit(int value) override { return value * 2; }
};

actor *born();
