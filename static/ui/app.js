// What every page needs. Small modules, no framework; pages work without them, only less comfortably.
import './theme.js';
import './dialogs.js';
import './keys.js';
import './rows.js';
import './palette.js';
import './toasts.js';
import './forms.js';
import './drafts.js';
import './selection.js';
import './order.js';
import './files.js';
import './partials.js';
import './enhance.js';
