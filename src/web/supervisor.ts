// Where the supervisor stood before: units and containers start it here.
import '../supervisor/main.ts';
