// Answers each line on stdin with what the gears make of it; "agent" with the agent's version.
#include <suture/shadow.h>
#include <suture/suture.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "gears.h"

int main()
{
	std::string line;

	while (std::getline(std::cin, line)) {
		suture_safepoint();
		if (line == "agent")
			std::cout << suture_version() << ' '
				  << (suture_socket_path() ? "serves" : "silent") << std::endl;
		else
			std::cout << gears_turn(std::atoi(line.c_str())) << std::endl;
	}
	return 0;
}
