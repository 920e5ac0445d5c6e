from infrastructure import *
